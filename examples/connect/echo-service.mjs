// example.Echo in Connect's form, without protoc: Say answers a google.protobuf.StringValue with one, Repeat with a stream.
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
  service: [
    {
      name: 'Echo',
      method: [
        { name: 'Say', inputType: type, outputType: type },
        { name: 'Repeat', inputType: type, outputType: type, serverStreaming: true },
      ],
    },
  ],
})

/** A program of yours imports this from the code that protoc-gen-es made. */
export const Echo = createFileRegistry(file, () => file_google_protobuf_wrappers).getService('example.Echo')
