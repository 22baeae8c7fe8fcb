import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'

const here = (path: string) => readFile(new URL(path, import.meta.url), 'utf8')

describe('the README', () => {
  it.each(['rotation', 'faults', 'contract'])('shows an example that is run as a test: %s', async (name) => {
    expect(await here('../README.md')).toContain(`\`\`\`ts\n${await here(`readme-${name}.test.ts`)}\`\`\``)
  })

  it('names every option and every fault', async () => {
    const readme = await here('../README.md')
    const optionsSource = await here('../src/kubelet-options.ts')
    const [optionsInterface = ''] =
      optionsSource.match(/export interface FakeKubeletOptions \{[\s\S]*?\n\}/) ?? []
    const options = [...optionsInterface.matchAll(/^ {2}(\w+)\?:/gm)].map(([, name]) => name)
    expect(options.length).toBeGreaterThan(20)
    const faults: string[] = []
    for (const file of ['content-faults', 'write-faults', 'mount-faults']) {
      const [faultsInterface = ''] =
        (await here(`../src/${file}.ts`)).match(/export interface \w+Faults \{[\s\S]*?\n\}/) ?? []
      faults.push(...[...faultsInterface.matchAll(/^ {2}(\w+)\(/gm)].map(([, name]) => `${name}(`))
    }
    expect(faults.length).toBeGreaterThan(14)
    for (const name of options) expect(readme).toMatch(new RegExp(`^\\| \`${name}\` +\\|`, 'm'))
    for (const name of faults) expect(readme).toContain(`\`${name}`)
  })
})
