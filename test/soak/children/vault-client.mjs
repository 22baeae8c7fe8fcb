/** Reads a secret through createVaultFetch. Its perfect client logs in anew with the file's token for each read. */
import { createTokenWatcher } from '@projected-token/core'
import { createVaultFetch, createVaultTokenProvider } from '@projected-token/vault'

const TIMEOUT_MS = 60_000
/** Vault does not answer: not a refusal. */
const AWAY = ['ERR_VAULT_UNAVAILABLE', 'ERR_VAULT_SEALED', 'ERR_VAULT_RATE_LIMITED']

/** @param add (outcome, details), once for each request */
export async function startVaultClient({ token, perfect, vault, keep }, add) {
  const jwt = keep(createTokenWatcher(token))
  const { address, mount, secret } = vault
  const provider = keep(
    createVaultTokenProvider({ address, method: 'jwt', mount, role: 'app', jwt, env: {} }),
  )
  const vaultFetch = createVaultFetch(provider)
  await provider.getToken()
  const readPerfectly = createPerfectReader(vault)

  return async () => {
    const startedAtMs = Date.now()
    const { tokens, publishedAtMs } = perfect()
    const publishedMs = publishedAtMs && startedAtMs - publishedAtMs
    const perfectRead = readPerfectly(tokens)
    const { outcome, reason } = await read(vaultFetch, `/v1/${secret}`)
    add(outcome, { startedAtMs, reason, oracleAccepted: await perfectRead, publishedMs })
  }
}

async function read(vaultFetch, url) {
  try {
    const response = await vaultFetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) })
    const text = await response.text()
    if (response.ok) return { outcome: 'accepted' }
    const outcome = response.status < 500 && response.status !== 429 ? 'refused' : 'failed'
    return { outcome, reason: `${response.status} ${text.trim().slice(0, 100)}` }
  } catch (error) {
    const code = [error.code, error.cause?.code].find((each) => /^ERR_(VAULT|TOKEN)_/.test(each))
    const isRefusal = code !== undefined && !AWAY.includes(code)
    return {
      outcome: isRefusal ? 'refused' : 'failed',
      reason: `${code ?? ''} ${error.message}`.slice(0, 200),
    }
  }
}

/** @returns a function that says whether Vault accepts a client that may have any of these tokens */
function createPerfectReader({ address, mount, secret }) {
  return async (tokens) => {
    for (const token of tokens) if (!(await readWith(token))) return false
    return tokens.length > 0
  }

  async function readWith(token) {
    try {
      const signal = AbortSignal.timeout(TIMEOUT_MS)
      const body = JSON.stringify({ role: 'oracle', jwt: token })
      const login = await fetch(`${address}/v1/auth/${mount}/login`, { method: 'POST', body, signal })
      const answer = await login.json()
      if (!login.ok) return false
      const headers = { 'x-vault-token': answer.auth.client_token }
      const response = await fetch(`${address}/v1/${secret}`, { headers, signal })
      await response.arrayBuffer()
      return response.ok
    } catch {
      return false
    }
  }
}
