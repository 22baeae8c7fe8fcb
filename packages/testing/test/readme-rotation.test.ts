import { createTokenWatcher } from '@projected-token/core'
import { createFakeClock, startFakeKubelet } from '@projected-token/testing'
import { expect, it } from 'vitest'

it('has a valid token at every minute of a night', async () => {
  const clock = createFakeClock()
  await using kubelet = await startFakeKubelet({ audience: 'billing', expirationSeconds: 600, clock })
  await using tokens = createTokenWatcher({ path: kubelet.path, audience: 'billing', clock })
  for (let minute = 0; minute < 8 * 60; minute++) {
    await clock.advance(60_000)
    const { token } = await tokens.getToken()
    await kubelet.verify(token) // rejects one that has expired, or is for somebody else
  }
  expect(kubelet.rotations).toBeGreaterThanOrEqual(50)
}, 60_000) // vitest's 5 s are too few for a busy machine
