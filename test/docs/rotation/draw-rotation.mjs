/** Draws packages/core/docs/rotation.svg from the numbers beside it: `node test/docs/rotation/draw-rotation.mjs`. */
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { drawRotation } from './plot.mjs'

const folder = new URL('../../../packages/core/docs/', import.meta.url)
const measured = JSON.parse(await readFile(new URL('rotation.json', folder), 'utf8'))
await writeFile(new URL('rotation.svg', folder), drawRotation(measured))
console.log(`wrote ${fileURLToPath(new URL('rotation.svg', folder))}`)
