import { createTokenWatcher } from '@projected-token/core'
import { startFakeKubelet } from '@projected-token/testing'
import { expect, it } from 'vitest'

it('keeps the good token while the file is torn', async () => {
  await using kubelet = await startFakeKubelet()
  await using tokens = createTokenWatcher({ path: kubelet.path })
  const good = await tokens.getToken()
  await kubelet.truncateAndWrite({
    // The file holds the first half of the next token, for as long as this takes.
    onPartial: async () => expect(await tokens.reload()).toBe(good),
  })
  const next = await tokens.reload()
  expect(next.token).toBe(kubelet.current.token)
})
