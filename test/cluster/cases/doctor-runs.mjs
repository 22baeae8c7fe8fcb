/** Questions to `doctor` beside `--pod`, each in the pod that makes its condition; with the answer that is expected. */
import { ISSUER } from '../cluster/api-server.mjs'

const TOKEN = '/var/run/secrets/tokens/vault-token'
const jwks =
  (path) =>
  ({ server }) => ['--jwks', `${server.url}/${path}`]

/** @type {{ about: string, pod: string, args: unknown[], exit: number, codes: string }[]} */
const RUNS = [
  {
    ...{ about: 'its issuer, audience and signature are right', pod: 'fs-group' },
    args: [TOKEN, '--audience', 'vault', '--issuer', ISSUER, jwks('jwks')],
    ...{ exit: 1, codes: 'SHORT_LIVED' },
  },
  {
    ...{ about: 'another audience was expected', pod: 'fs-group' },
    args: [TOKEN, '--audience', 'other'],
    ...{ exit: 2, codes: 'ERR_TOKEN_AUDIENCE SHORT_LIVED' },
  },
  {
    ...{ about: 'another issuer was expected', pod: 'fs-group' },
    args: [TOKEN, '--issuer', 'https://issuer.example'],
    ...{ exit: 2, codes: 'ERR_TOKEN_ISSUER SHORT_LIVED' },
  },
  {
    ...{ about: 'the keys of another cluster', pod: 'fs-group' },
    args: [TOKEN, jwks('foreign-jwks')],
    ...{ exit: 2, codes: 'ERR_SIGNATURE_INVALID SHORT_LIVED' },
  },
  {
    ...{ about: 'a program that reads the file every 60 s', pod: 'fs-group' },
    args: [TOKEN, '--reload-interval', '60s'],
    ...{ exit: 1, codes: 'CADENCE_TOO_SLOW SHORT_LIVED' },
  },
  {
    ...{ about: 'a path beside the token', pod: 'fs-group' },
    args: ['/var/run/secrets/tokens/token'],
    ...{ exit: 2, codes: 'ERR_TOKEN_NOT_FOUND' },
  },
  {
    ...{ about: 'no path, where the default token is not mounted', pod: 'fs-group', args: [] },
    ...{ exit: 2, codes: 'ERR_TOKEN_NOT_FOUND' },
  },
  {
    ...{ about: 'no path, where nothing is mounted', pod: 'no-token', args: [] },
    ...{ exit: 2, codes: 'ERR_TOKEN_NOT_FOUND' },
  },
  {
    ...{ about: 'the directory instead of the file', pod: 'fs-group', args: ['/var/run/secrets/tokens'] },
    ...{ exit: 2, codes: 'ERR_TOKEN_NOT_A_FILE' },
  },
  {
    ...{ about: 'a file that the process may not read', pod: 'changed-user', args: [TOKEN] },
    ...{ exit: 2, codes: 'ERR_TOKEN_UNREADABLE' },
  },
  {
    ...{ about: 'the default token, by its path', pod: 'default-token', args: [] },
    ...{ exit: 1, codes: 'EXTENDED_EXPIRY SHORT_LIVED WORLD_READABLE' },
  },
]

/** @param cases by name. @returns [{ about, pod, expected, found }] of texts */
export async function runDoctors(cases, context) {
  const answers = []
  for (const { about, pod, args, exit, codes } of RUNS) {
    const words = args.flatMap((arg) => (typeof arg === 'function' ? arg(context) : arg))
    const found = await cases[pod].doctor(words)
    answers.push({
      ...{ about, pod, expected: `${exit} ${codes}` },
      found: `${found['doctor exit']} ${found['doctor codes']}`,
    })
  }
  return answers
}
