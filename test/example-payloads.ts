// The example of each operation as values. Tests take their test data from here, and change the fields that they need.

import { parse } from 'yaml'
import { exampleOf, exampleSecrets } from '../scripts/examples.ts'
import { type OperationName, operationNamed } from '../src/operations/catalogue.ts'
import type { PathParameters } from '../src/operations/definition.ts'
import { buildRequest, type MarketplaceRequest, requestShape } from '../src/operations/request.ts'

// biome-ignore lint/suspicious/noExplicitAny: the fields of any operation, which tests read and change
export type Fields = Record<string, any>

export interface ExampleOptions {
  /** Path parameters that replace those of the example. Those that the operation does not have are ignored. */
  readonly ids?: PathParameters
  /** Fields that replace those of the body, or are added to it. `undefined` removes a field. */
  readonly changes?: Fields
  /** What each `{$env: NAME}` of the example becomes: a value or another reference, by NAME. */
  readonly secrets?: Readonly<Record<string, unknown>>
}

export interface ExamplePayload {
  readonly params: PathParameters
  /** An empty object if the operation sends no body. */
  readonly body: Fields
  /** The payload as workflows write it: the path parameters and the fields of the body in one object. */
  readonly payload: Fields
}

/** The examples that were read before. */
const exampleJson = new Map<OperationName, string>()

/**
 * Reads the payload of `examples/operations/<name>.yml`, with its references replaced.
 *
 * @throws {Error} if the example has a reference that is not in `secrets`
 */
export function examplePayload(
  name: OperationName,
  { ids = {}, changes = {}, secrets = exampleSecrets }: ExampleOptions = {},
): ExamplePayload {
  const resolve = (_: string, value: Fields | null) => {
    if (typeof value?.$env !== 'string') return value
    if (!Object.hasOwn(secrets, value.$env)) throw new Error(`${name}.yml: add ${value.$env} to exampleSecrets`)
    return secrets[value.$env]
  }
  const json = exampleJson.get(name) ?? JSON.stringify(parse(exampleOf(name)))
  exampleJson.set(name, json)
  const example: Fields = JSON.parse(json, resolve)
  const { pathParameters } = operationNamed(name)
  const isParameter = ([field]: [string, unknown]) => (pathParameters as readonly string[]).includes(field)
  const fields = Object.entries({ ...example, ...changes }).filter(([, value]) => value !== undefined)
  const params: PathParameters = Object.fromEntries(Object.entries({ ...example, ...ids }).filter(isParameter))
  const body = Object.fromEntries(fields.filter((field) => !isParameter(field)))
  return { params, body, payload: { ...params, ...body } }
}

/**
 * Builds the request of an operation's example, as a step builds it.
 *
 * @throws {Error} if the payload has errors
 */
export function exampleRequest(name: OperationName, options: ExampleOptions = {}): MarketplaceRequest {
  const check = { env: {}, readFile: () => '', now: new Date(), errors: [], warnings: [], secrets: [] }
  const { payload } = examplePayload(name, options)
  const request = buildRequest(requestShape(operationNamed(name)), payload, {}, check)
  if (!request) throw new Error(`${name}: ${JSON.stringify(check.errors)}`)
  return request
}
