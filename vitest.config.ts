import { defineConfig } from 'vitest/config'

const source = (path: string) => new URL(`./packages/${path}`, import.meta.url).pathname

/** Tests run on the sources; what is packed is tested by `npm run check`. */
export default defineConfig({
  resolve: {
    alias: [
      { find: /^@projected-token\/core\/(provider|sink)$/, replacement: source('core/src/$1.ts') },
      { find: /^@projected-token\/fetch\/undici$/, replacement: source('fetch/src/undici.ts') },
      { find: /^@projected-token\/([a-z]+)$/, replacement: source('$1/src/index.ts') },
    ],
  },
  test: {
    include: ['packages/*/test/**/*.test.ts', 'test/*/**/*.test.ts', 'examples/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**', 'test/real/**', 'test/packaging/**'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // A condition that comes true late is still true: a machine that stands still for seconds fails no test.
    expect: { poll: { timeout: 30_000, interval: 20 } },
  },
})
