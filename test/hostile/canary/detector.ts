import { expect } from 'vitest'

/** One place where a secret was seen. */
export interface Sighting {
  readonly secret: string
  readonly piece: string
  readonly encoding: string
}

/** Shorter than this, a piece could be there by chance. */
const MIN_PIECE = 16

/** Every form in which a text may be written. */
const ENCODINGS: Readonly<Record<string, (text: string) => readonly string[]>> = {
  plain: (text) => [text],
  json: (text) => [jsonInside(text), jsonInside(jsonInside(text))],
  url: (text) => [
    encodeURIComponent(text),
    encodeURI(text),
    new URLSearchParams({ t: text }).toString().slice(2),
  ],
  'url, every byte': (text) => {
    const all = Buffer.from(text).toString('hex').replace(/../g, '%$&')
    return [all, all.toUpperCase()]
  },
  html: (text) => {
    const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
    return [escaped, escaped.replaceAll('"', '&quot;').replaceAll("'", '&#39;')]
  },
  inspected: (text) => [text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")],
  base64: (text) => [...inBase64(text, 'base64'), ...inBase64(text, 'base64url')],
  hex: (text) => [Buffer.from(text).toString('hex'), Buffer.from(text).toString('hex').toUpperCase()],
  'utf-16': (text) => [Buffer.from(text, 'utf16le').toString('latin1')],
  bytes: (text) => [Array.from(Buffer.from(text)).join(','), Array.from(Buffer.from(text)).join(', ')],
}

const jsonInside = (text: string) => JSON.stringify(text).slice(1, -1)

/** As it stands in the base64 of something longer: at each of three places, without the ends that others share. */
function inBase64(text: string, alphabet: 'base64' | 'base64url'): string[] {
  return [0, 1, 2].map((offset) => {
    const encoded = Buffer.from('\0'.repeat(offset) + text)
      .toString(alphabet)
      .replace(/=+$/, '')
    return encoded.slice(offset === 0 ? 0 : 4, -1)
  })
}

/** What alone would give a secret away: all of it, and each part that only its holder knows. */
function piecesOf(secret: string): Map<string, string> {
  const pieces = new Map([['all', secret]])
  const [, payload = '', signature = '', ...more] = secret.split('.')
  const isJwt = secret.startsWith('eyJ') && more.length === 0 && signature !== ''
  if (isJwt) {
    pieces.set('payload', payload)
    pieces.set('signature', signature)
    pieces.set('the beginning of the signature', signature.slice(0, MIN_PIECE + 8))
    pieces.set('the end of the signature', signature.slice(-MIN_PIECE - 8))
  } else {
    pieces.set('its second half', secret.slice(Math.floor(secret.length / 2)))
  }
  return new Map([...pieces].filter(([, text]) => text.length >= MIN_PIECE))
}

interface Needle extends Sighting {
  readonly text: string
}

/** Looks for secrets on surfaces. */
export function createDetector() {
  const needles: Needle[] = []
  const known = new Set<string>()

  function find(surface: string | Uint8Array): Sighting[] {
    const text = typeof surface === 'string' ? surface : Buffer.from(surface).toString('latin1')
    return needles
      .filter((needle) => text.includes(needle.text))
      .map(({ secret, piece, encoding }) => ({ secret, piece, encoding }))
  }

  return {
    /** From now on this is a secret. @returns it */
    hide(secret: string, value: string): string {
      if (known.has(value)) return value
      known.add(value)
      for (const [piece, part] of piecesOf(value)) {
        for (const [encoding, encode] of Object.entries(ENCODINGS)) {
          for (const text of new Set(encode(part))) needles.push({ secret, piece, encoding, text })
        }
      }
      return value
    },
    find,
    /** Fails when a surface shows a secret. The surface itself is not printed. */
    expectNone(what: string, surface: string | Uint8Array): void {
      // An empty surface shows nothing, and proves nothing.
      expect(surface.length, `${what} is there`).toBeGreaterThan(0)
      const sightings = find(surface).map(({ secret, piece, encoding }) => `${secret}: ${piece}, ${encoding}`)
      expect(sightings.slice(0, 5), what).toEqual([])
    },
    get encodings() {
      return Object.keys(ENCODINGS)
    },
    get count() {
      return known.size
    },
  }
}

export type Detector = ReturnType<typeof createDetector>
