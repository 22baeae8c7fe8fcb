// example.Echo/Say in Connect's form, without protoc: a request and a response of google.protobuf.StringValue.
import { create, createFileRegistry } from '@bufbuild/protobuf'
import {
  FileDescriptorProtoSchema,
  file_google_protobuf_wrappers,
  StringValueSchema,
} from '@bufbuild/protobuf/wkt'

const type = `.${StringValueSchema.typeName}`
const file = create(FileDescriptorProtoSchema, {
  name: 'example/echo.proto',
  package: 'example',
  syntax: 'proto3',
  dependency: ['google/protobuf/wrappers.proto'],
  service: [{ name: 'Echo', method: [{ name: 'Say', inputType: type, outputType: type }] }],
})

/** A program of yours imports this from the code that protoc-gen-es made. */
export const Echo = createFileRegistry(file, () => file_google_protobuf_wrappers).getService('example.Echo')
