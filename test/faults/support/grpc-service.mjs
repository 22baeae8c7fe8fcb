/** One unary method that carries bytes as they are. */
const same = (bytes) => bytes

export const whoAmI = {
  ask: {
    path: '/faults.WhoAmI/Ask',
    requestStream: false,
    responseStream: false,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  },
}
