// One method without a .proto file: WhoAmI takes nothing and gives a JSON text.
const encode = (value) => Buffer.from(JSON.stringify(value))
const decode = (bytes) => JSON.parse(bytes.toString())

export const whoAmIService = {
  whoAmI: {
    path: '/example.Identity/WhoAmI',
    requestStream: false,
    responseStream: false,
    requestSerialize: encode,
    requestDeserialize: decode,
    responseSerialize: encode,
    responseDeserialize: decode,
  },
}
