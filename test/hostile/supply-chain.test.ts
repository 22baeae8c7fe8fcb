import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { judgeAudit } from './supply-chain/judge-audit.mjs'
import { ALLOWED, isAllowed, LICENCES_FILE, licencesText } from './supply-chain/licences.mjs'
import { productionDependencies, publishedPackages } from './supply-chain/production.mjs'

describe('what we publish', () => {
  it('runs nothing on the machine of whoever installs it', async () => {
    const packages = await publishedPackages()
    expect(packages.length).toBeGreaterThan(5)
    for (const { manifest, files } of packages) {
      // With all of npm's: `prepare` runs when somebody installs from git, `install` also for a binding.gyp.
      expect(Object.keys(manifest.scripts ?? {}), manifest.name).toEqual(['build'])
      expect(files, manifest.name).not.toContain('binding.gyp')
      expect(manifest.files, manifest.name).toEqual(expect.arrayContaining(['dist']))
      for (const entry of manifest.files ?? []) expect(['bin', 'dist'], manifest.name).toContain(entry)
    }
  })

  it('depends on nothing that runs something when it is installed', async () => {
    const dependencies = await productionDependencies()
    expect(dependencies.length).toBeGreaterThan(10)
    expect(dependencies.filter(({ hasInstallScript }) => hasInstallScript)).toEqual([])
  })

  it('depends on nothing but released packages whose bytes are known', async () => {
    for (const { name, version, resolved, integrity } of await productionDependencies()) {
      expect(resolved ?? 'https:', name).toMatch(/^https:/)
      expect(integrity, name).toMatch(/^sha512-/)
      expect(version, name).toMatch(/^\d+\.\d+\.\d+$/)
    }
  })

  it('declares each dependency as a range of versions from the registry', async () => {
    for (const { manifest } of await publishedPackages()) {
      for (const [name, range] of Object.entries(manifest.dependencies ?? {})) {
        expect(range, `${manifest.name}: ${name}`).toMatch(
          /^[\^~]?\d+\.\d+\.\d+(?: \|\| [\^~]?\d+\.\d+\.\d+)*$/,
        )
      }
    }
  })
})

describe('licences', () => {
  it('are the one of the workspace for all that is ours', async () => {
    for (const { manifest } of await publishedPackages()) expect(manifest.license).toBe('Apache-2.0')
  })

  it('are allowed for everything that is installed with it', async () => {
    const refused = (await productionDependencies()).filter(({ licence }) => !isAllowed(licence))
    expect(refused.map(({ name, version, licence }) => `${name} ${version}: ${licence}`)).toEqual([])
  })

  it('are the same in the lock file and in what is installed', async () => {
    for (const { name, licence, lockedLicence } of await productionDependencies()) {
      if (lockedLicence !== undefined) expect(licence, name).toBe(lockedLicence)
    }
  })

  it('are listed in licences.md; node test/hostile/supply-chain/licences.mjs --write', async () => {
    expect(await readFile(LICENCES_FILE, 'utf8')).toBe(await licencesText())
  })

  it.each([
    ['MIT', true],
    ['(MIT OR GPL-3.0-only)', true],
    ['Apache-2.0 AND MIT', true],
    ['MIT AND GPL-3.0-only', false],
    ['GPL-3.0-only', false],
    ['AGPL-3.0-or-later OR SSPL-1.0', false],
    ['UNLICENSED', false],
    ['SEE LICENSE IN x', false],
    ['toString', false],
    ['none', false],
  ])('of the expression %s: %s', (expression, allowed) => {
    expect(isAllowed(expression)).toBe(allowed)
  })

  it('are allowed for a reason', () => {
    for (const reason of Object.values(ALLOWED)) expect(reason).not.toBe('')
  })
})

describe('npm audit', () => {
  const advisory = {
    ...{
      source: 1,
      name: 'left',
      severity: 'high',
      title: 'Bad',
      url: 'https://github.com/advisories/GHSA-aaaa-bbbb-cccc',
    },
  }
  const report = (vulnerabilities: object) =>
    JSON.stringify({ vulnerabilities, metadata: { dependencies: { prod: 3 } } })
  const vulnerable = report({
    left: { via: [advisory], nodes: ['node_modules/left'] },
    right: { via: ['left'], nodes: ['node_modules/right'] },
  })

  it('is clean when nothing is found', () => {
    expect(judgeAudit(report({}), {})).toEqual({
      result: 'clean',
      lines: ['clean: 3 production dependencies'],
    })
  })

  it('is bad for an advisory that nobody has argued', () => {
    const { result, lines } = judgeAudit(vulnerable, {})
    expect(result).toBe('bad')
    expect(lines).toEqual(['bad: GHSA-aaaa-bbbb-cccc, high, left: Bad (node_modules/left)'])
  })

  it('is argued for one that somebody has, with the reason', () => {
    const { result, lines } = judgeAudit(vulnerable, { 'GHSA-aaaa-bbbb-cccc': 'never called' })
    expect(result).toBe('argued')
    expect(lines[0]).toBe('argued: GHSA-aaaa-bbbb-cccc, left: never called')
  })

  it('tells of an argument that nobody needs any more', () => {
    expect(judgeAudit(report({}), { 'GHSA-x': 'never called' }).lines[0]).toContain('GHSA-x')
  })

  // Recorded: npm 11 before a registry without that endpoint; the host is changed.
  it.each([
    [
      'a registry without the endpoint',
      '{"message":"405 Method Not Allowed - POST https://registry.example/-/x","error":{}}',
    ],
    ['no answer', '{"error":{"code":"ENOAUDIT","summary":"","detail":""},"message":"request failed"}'],
    ['no JSON', ''],
  ])('is skipped, which is not clean, and names no host: %s', (_case, stdout) => {
    const { result, lines } = judgeAudit(stdout, {})
    expect(result).toBe('skipped')
    expect(lines.join()).toMatch(/^skipped: .+/)
    expect(lines.join()).not.toContain('example')
  })
})
