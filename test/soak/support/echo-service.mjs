/** One unary method that carries bytes as they are. */
const same = (bytes) => bytes

export const echoService = {
  echo: {
    path: '/soak.Echo/Echo',
    requestStream: false,
    responseStream: false,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  },
}
