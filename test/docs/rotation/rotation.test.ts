import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, it } from 'vitest'
import { root } from '../support/documents.js'
import { drawRotation, type MeasuredRotation } from './plot.mjs'

const readText = (file: string) => readFile(path.join(root, file), 'utf8')
const readNumbers = async () =>
  JSON.parse(await readText('packages/core/docs/rotation.json')) as MeasuredRotation

it('the picture shows the numbers beside it', async () => {
  expect(await readText('packages/core/docs/rotation.svg')).toBe(drawRotation(await readNumbers()))
})

it('the numbers are those of the Kubernetes that the tests build', async () => {
  const goModule = await readText('test/real/kube/go.mod')
  expect(goModule).toContain(`k8s.io/kubernetes v${(await readNumbers()).kubernetes}`)
})

it('READMEs tell the numbers as they were measured', async () => {
  const { agesAtRotationS, servedWithinMs, clients, pods } = await readNumbers()
  expect(await readParagraph('README.md')).toContain(`${agesAtRotationS.length} rotations in ${pods} pods`)
  const detail = await readParagraph('packages/core/README.md')
  for (const words of [
    `${agesAtRotationS.length} rotations in ${pods} pods`,
    `${Math.floor(agesAtRotationS[0] ?? 0)} s to ${Math.ceil(agesAtRotationS.at(-1) ?? 0)} s`,
    `within ${servedWithinMs} ms`,
    ...clients.map(({ label, expired, refused }) => `${label} | ${inWords(expired)} | ${inWords(refused)} |`),
    `${inWords(clients[0]?.requests ?? 0)} requests`,
  ]) {
    expect(detail).toContain(words)
  }
})

const inWords = (count: number) => count.toLocaleString('en')

/** The section with the picture, on one line. */
async function readParagraph(file: string): Promise<string> {
  const sections = (await readText(file)).split(/^## /m)
  const section = sections.find((text) => text.includes('rotation.svg')) ?? ''
  return section.replaceAll('`', '').replaceAll(/\s+/g, ' ')
}
