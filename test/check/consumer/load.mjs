/** The copy of a package that the first argument asks for: esm or cjs. */
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

export const load = (specifier) => (process.argv[2] === 'cjs' ? require(specifier) : import(specifier))
