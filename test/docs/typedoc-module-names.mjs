/** Modules are called what one imports: `@projected-token/core/sink` instead of `core/src/sink`. */
import { Converter, ReflectionKind } from 'typedoc'

export function load(app) {
  app.converter.on(Converter.EVENT_CREATE_DECLARATION, (_context, reflection) => {
    if (reflection.kindOf(ReflectionKind.Module)) reflection.name = importedAs(reflection.name)
  })
}

function importedAs(name) {
  const [, folder, subpath] = /^(\w+)\/src(?:\/(\w+))?$/.exec(name) ?? []
  if (folder === undefined) throw new Error(`Found a module '${name}' that is no entry point of a package`)
  return `@projected-token/${folder}${subpath === undefined ? '' : `/${subpath}`}`
}
