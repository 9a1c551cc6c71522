// Checks request bodies against the operation's schema in the form that it has in the API: no references, no defaults, and
// for some operations names such as `client_secret`.

import { formatPath, type Path } from '../failure.ts'
import type { Operation, OperationName } from '../operations/operation.ts'
import { type Check, check } from '../payload/check.ts'
import { isReference } from '../payload/references.ts'
import { type Field, isObject, type Schema } from '../payload/schema.ts'
import { Refusal } from './answer.ts'

/**
 * Reads a body.
 *
 * @returns the body with the SDK's field names; undefined if the operation takes no body
 * @throws {Refusal} with every problem, and without the value of any secret
 */
export function readBody(operation: Operation, text: string | undefined, now: Date): unknown {
  const wire = wires.get(operation.name) ?? wireOf(operation)
  if (!wire.schema) {
    if (text) throw new Refusal(400, `${operation.id} takes no body`)
    return undefined
  }
  const { schema, rules, isSnake } = wire
  const body = text ? parseRequestBody(text) : {}
  const problems: string[] = []
  const report = (path: Path, message: string) => {
    const reason = isReference(valueAt(body, path)) ? 'is a reference, which the client must resolve' : message
    problems.push(`${path.length === 0 ? 'the body' : formatPath(path)} ${reason}`)
  }
  const refuse = () => new Refusal(400, problems.join('; ').slice(0, 2000))

  const context: Check = { env: {}, readFile: noFile, now, errors: [], warnings: [], secrets: [] }
  const checked = refuseDeepNesting(() => check(schema, body, [], context))
  for (const { path = [], message } of context.errors) report(path, message)
  if (problems.length > 0) throw refuse()
  rules?.(checked as never, { error: report, warn: () => {}, now })
  if (problems.length > 0) throw refuse()
  return isSnake ? renamed(body, toCamel) : body
}

interface Wire extends Pick<Operation, 'rules'> {
  readonly schema?: Schema
  readonly isSnake: boolean
}

/** Built once for each operation. */
const wires = new Map<OperationName, Wire>()

function wireOf({ name, body, rules, wireCase }: Operation): Wire {
  const isSnake = wireCase === 'snake'
  const wire = { ...(rules && { rules }), isSnake, ...(body && { schema: onTheWire(body, isSnake) }) }
  wires.set(name, wire)
  return wire
}

const toSnake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
const toCamel = (name: string) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())

const renamed = (fields: unknown, rename: (name: string) => string): unknown =>
  isObject(fields) ? Object.fromEntries(Object.entries(fields).map(([name, value]) => [rename(name), value])) : fields

/** The schema of a body in the API: fields with defaults are required, and names have the API's case. */
function onTheWire(schema: Schema, isSnake: boolean): Schema {
  if (schema.kind === 'oneOf') {
    const variants = schema.variants.map((variant) => onTheWire(variant, isSnake))
    return { ...schema, variants, pick: (value) => schema.pick(isSnake ? renamed(value, toCamel) : value) }
  }
  if (schema.kind !== 'object') return schema
  const fields = Object.entries(schema.fields).map(([name, { fallback, ...field }]): [string, Field] => [
    isSnake ? toSnake(name) : name,
    fallback ? { ...field, optional: false } : field,
  ])
  return { ...schema, fields: Object.fromEntries(fields) }
}

function parseRequestBody(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Refusal(400, 'The body is not JSON')
  }
}

/** The check recurses, so a body that nests deeply overflows the stack. */
function refuseDeepNesting<T>(walk: () => T): T {
  try {
    return walk()
  } catch (error) {
    if (error instanceof RangeError) throw new Refusal(400, 'The body is nested too deeply')
    throw error
  }
}

const valueAt = (value: unknown, path: Path): unknown =>
  path.reduce<unknown>(
    (inside, part) =>
      typeof inside === 'object' && inside !== null ? (inside as Record<string | number, unknown>)[part] : undefined,
    value,
  )

function noFile(): never {
  throw new Error('the sandbox reads no files')
}
