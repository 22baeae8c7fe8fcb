import type { FastifyServerOptions } from 'fastify'

/**
 * For servers none of whose routes has a schema: without it, fastify loads ajv and a compiler of serializers into each
 * process, for nothing.
 */
export const WITHOUT_SCHEMAS: NonNullable<FastifyServerOptions['schemaController']> = {
  compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas },
}

function noSchemas(): never {
  throw new TypeError('A route has a schema; its server is made without them')
}
