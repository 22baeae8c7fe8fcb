import { startFakeKubelet } from '@projected-token/testing'
import { createRemoteJWKSet, decodeJwt, errors, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'

describe('the served issuer', () => {
  it('lets a service verify a token by discovery alone, over a rotation', async () => {
    await using kubelet = await startFakeKubelet()
    for (const { token } of [kubelet.current, await kubelet.rotate()]) {
      const { iss = '' } = decodeJwt(token)
      expect(iss).toBe(kubelet.url)
      const response = await fetch(`${iss}/.well-known/openid-configuration`)
      const discovery = (await response.json()) as { issuer: string; jwks_uri: string }
      const keys = createRemoteJWKSet(new URL(discovery.jwks_uri))
      const { payload } = await jwtVerify(token, keys, { issuer: discovery.issuer, audience: 'vault' })
      expect(payload.sub).toBe('system:serviceaccount:default:build-robot')
    }
  })

  it('refuses the tokens of another cluster', async () => {
    await using kubelet = await startFakeKubelet()
    await using stranger = await startFakeKubelet()
    const keys = createRemoteJWKSet(new URL(kubelet.jwksUrl ?? ''))
    await expect(jwtVerify(stranger.current.token, keys)).rejects.toThrow(errors.JWKSNoMatchingKey)
  })

  it('answers as an API server does', async () => {
    await using kubelet = await startFakeKubelet({ issuer: 'kubernetes.default.svc', algorithm: 'ES256' })
    const discovery = await fetch(`${kubelet.url}/.well-known/openid-configuration`)
    expect(discovery.headers.get('content-type')).toBe('application/json')
    expect(discovery.headers.get('cache-control')).toBe('public, max-age=3600')
    expect(await discovery.json()).toEqual({
      issuer: 'kubernetes.default.svc',
      jwks_uri: `${kubelet.url}/openid/v1/jwks`,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256'],
    })
    const keys = await fetch(kubelet.jwksUrl ?? '')
    expect(keys.headers.get('content-type')).toBe('application/jwk-set+json')
    expect(await keys.json()).toEqual(kubelet.jwks)
    expect(kubelet.issuer).toBe('kubernetes.default.svc')
  })

  it('shows public keys only', async () => {
    await using kubelet = await startFakeKubelet()
    expect(Object.keys(kubelet.jwks.keys[0] ?? {}).sort()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use'])
  })

  it('has nothing else to give, and takes no other method', async () => {
    await using kubelet = await startFakeKubelet({ algorithm: 'ES256' })
    expect((await fetch(`${kubelet.url}/`)).status).toBe(404)
    expect((await fetch(kubelet.jwksUrl ?? '', { method: 'POST' })).status).toBe(405)
    expect((await fetch(kubelet.jwksUrl ?? '', { method: 'HEAD' })).status).toBe(200)
  })

  it('is not there with serve: false; the issuer is then that of a default cluster', async () => {
    await using kubelet = await startFakeKubelet({ serve: false, algorithm: 'ES256' })
    expect([kubelet.url, kubelet.jwksUrl]).toEqual([undefined, undefined])
    expect(kubelet.issuer).toBe('https://kubernetes.default.svc.cluster.local')
  })

  it('takes the port that it is given, and says so when it cannot', async () => {
    const first = await startFakeKubelet({ algorithm: 'ES256' })
    const port = Number(new URL(first.url ?? '').port)
    await expect(startFakeKubelet({ algorithm: 'ES256', port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
    await first.close()
    await using second = await startFakeKubelet({ algorithm: 'ES256', port })
    expect(second.url).toBe(first.url)
  })
})
