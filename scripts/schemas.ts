// Generates schemas/: one JSON Schema per operation, for its payloads. `npm run schemas`

import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Operation, operations } from '../src/operations/catalogue.ts'
import { requestShape } from '../src/operations/request.ts'
import { definitions, jsonSchema } from '../src/payload/json-schema.ts'
import { describedSchema } from './reference/described-schema.ts'

/** The JSON Schema of an operation's payloads: flat, or with the body under `requestBody`. */
export async function payloadSchema(operation: Operation): Promise<object> {
  const { flat, nested } = requestShape(operation)
  const spellings = [flat, ...(nested ? [nested] : [])].map((schema) =>
    withSchemaField(jsonSchema(describedSchema(schema, operation))),
  )
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: `Payload of ${operation.name}`,
    description: `${operation.method} ${operation.path}: ${operation.purpose}`,
    ...(spellings.length === 1 ? spellings[0] : { anyOf: spellings }),
    definitions,
  }
}

/** Allows the field `$schema`, by which a payload file names its schema for editors. */
function withSchemaField(schema: Record<string, unknown>): Record<string, unknown> {
  if (Array.isArray(schema.anyOf)) return { ...schema, anyOf: schema.anyOf.map(withSchemaField) }
  return { ...schema, properties: { $schema: { type: 'string' }, ...(schema.properties as object) } }
}

if (import.meta.main) {
  const folder = join(import.meta.dirname, '..', 'schemas')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder)
  for (const operation of operations) {
    const text = `${JSON.stringify(await payloadSchema(operation), null, 2)}\n`
    writeFileSync(join(folder, `${operation.name}.json`), text)
  }
}
