/** Follows where the frames of a web socket begin and end (RFC 6455, section 5.2). */
export interface FrameTracker {
  /** Between two frames: a frame of our own may be put in here. */
  readonly atBoundary: boolean
  /** Reads on. @returns how much it read: all of it, or to the first boundary, which may be 0 */
  advance(chunk: Uint8Array, toBoundary: boolean): number
}

export function createFrameTracker(): FrameTracker {
  const header = new Uint8Array(14)
  let have = 0
  let size = 2
  let payloadLeft = 0
  const atBoundary = () => have === 0 && payloadLeft === 0

  return {
    get atBoundary() {
      return atBoundary()
    },
    advance(chunk, toBoundary) {
      let at = 0
      while (at < chunk.length && !(toBoundary && atBoundary())) {
        if (payloadLeft > 0) {
          const length = Math.min(payloadLeft, chunk.length - at)
          payloadLeft -= length
          at += length
          continue
        }
        header[have++] = chunk[at++] as number
        if (have === 2) size = headerSize(header)
        if (have === size) {
          payloadLeft = payloadLength(header)
          have = 0
          size = 2
        }
      }
      return at
    },
  }
}

function headerSize(header: Uint8Array): number {
  const second = header[1] as number
  const length = second & 0x7f
  return 2 + (length === 127 ? 8 : length === 126 ? 2 : 0) + (second & 0x80 ? 4 : 0)
}

function payloadLength(header: Uint8Array): number {
  const view = new DataView(header.buffer)
  const length = (header[1] as number) & 0x7f
  if (length === 126) return view.getUint16(2)
  return length === 127 ? Number(view.getBigUint64(2)) : length
}

/** "Going away": the status of a server that stops. */
const GOING_AWAY = 1001

/** A close frame with the status 1001. Only a client's frames are masked. */
export function goingAwayFrame(mask?: Uint8Array): Buffer {
  const status = Buffer.alloc(2)
  status.writeUInt16BE(GOING_AWAY)
  if (mask === undefined) return Buffer.concat([Buffer.from([0x88, 2]), status])
  const masked = status.map((byte, index) => byte ^ (mask[index] as number))
  return Buffer.concat([Buffer.from([0x88, 0x82]), mask.subarray(0, 4), masked])
}
