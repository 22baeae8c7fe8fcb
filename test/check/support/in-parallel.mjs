/** Calls `work` on each item, at most `limit` at once. @returns the results in the items' order */
export async function inParallel(items, limit, work) {
  const results = []
  const queue = items.entries()
  const worker = async () => {
    for (const [index, item] of queue) results[index] = await work(item)
  }
  await Promise.all(Array.from({ length: limit }, worker))
  return results
}
