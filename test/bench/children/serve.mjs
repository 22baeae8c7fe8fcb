/** The child's end of support/child.mjs: answers calls, and ends with its parent. */
export function serve(methods) {
  process.on('disconnect', () => process.exit())
  process.on('message', async ({ id, method, params }) => {
    let answer
    try {
      answer = { id, result: await methods[method](params) }
    } catch (error) {
      answer = { id, error: error?.stack ?? String(error) }
    }
    if (process.connected) process.send(answer)
  })
}
