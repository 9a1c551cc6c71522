// From a payload's value to the request of one operation.

import type { Path } from '../failure.ts'
import { type Check, check, kindOf } from '../payload/check.ts'
import { isObject, type ObjectSchema, object, optional, type Schema, segment } from '../payload/schema.ts'
import type { Operation } from './catalogue.ts'
import type { PathParameter, PathParameters } from './definition.ts'
import { redact } from './redact.ts'

/** A request that is known to be right. */
export interface MarketplaceRequest {
  readonly operation: Operation
  readonly params: PathParameters
  /** As the SDK takes it; undefined where the operation sends none. */
  readonly body: Readonly<Record<string, unknown>> | undefined
  /** As it may be shown: as the payload spells it, with `***` for secrets and references unresolved. */
  readonly redacted: () => unknown
}

/** The inputs that stand for path parameters. */
export const parameterInputs = {
  'installation-id': 'integrationConfigurationId',
  'resource-id': 'resourceId',
  'invoice-id': 'invoiceId',
  'member-id': 'memberId',
} as const satisfies Record<string, PathParameter>

export type ParameterInput = keyof typeof parameterInputs

/** How an operation's payloads are checked: put together once, used for every record of a batch. */
export interface RequestShape {
  readonly operation: Operation
  readonly flat: Schema
  readonly nested: ObjectSchema | undefined
}

export function requestShape(operation: Operation): RequestShape {
  const { body } = operation
  // A parameter may come from an input as well: whether it is missing is asked for afterwards.
  const parameters = Object.fromEntries(operation.pathParameters.map((name) => [name, optional(segment())]))
  const flat = object(body?.kind === 'object' ? { ...parameters, ...body.fields } : parameters)
  return {
    operation,
    // The body of an operation without path parameters is the whole request.
    flat: body && operation.pathParameters.length === 0 ? body : flat,
    nested: body && operation.pathParameters.length > 0 ? object({ ...parameters, requestBody: body }) : undefined,
  }
}

/**
 * Builds the request of a payload.
 *
 * @param payload  the payload's value; undefined where the step has none
 * @param inputs   the path parameters that were given as inputs, checked already
 * @param context  takes every problem; the request is undefined where there are errors
 * @param again    the same payload has been built a request of before, so that its rules need not be gone through
 */
export function buildRequest(
  shape: RequestShape,
  payload: unknown,
  inputs: Readonly<Partial<Record<ParameterInput, string>>>,
  context: Check,
  again = false,
): MarketplaceRequest | undefined {
  const { operation } = shape
  const errorsBefore = context.errors.length
  const report = (path: Path, message: string, at?: 'key') => context.errors.push({ path, message, ...(at && { at }) })

  if (payload === undefined && operation.body) {
    report([], `is missing: ${operation.sdkName} sends a body; give it as \`payload\` or \`payload-file\``)
    return undefined
  }
  if (payload !== undefined && !isObject(payload)) {
    report([], `must be an object with the fields of the request, not ${kindOf(payload)}`)
    return undefined
  }
  const { $schema: _, ...given } = isObject(payload) ? payload : {}

  const nested = shape.nested && Object.hasOwn(given, 'requestBody') ? shape.nested : undefined
  const schema = nested ?? shape.flat
  for (const name of nested ? Object.keys(given) : []) {
    if (!Object.hasOwn(schemaFields(shape.flat), name) || isParameter(operation, name)) continue
    report([name], 'stands beside `requestBody`: put every field of the body inside it, or none', 'key')
    delete given[name]
  }
  if (!operation.body && Object.hasOwn(given, 'requestBody')) {
    report(['requestBody'], `is not used: ${operation.sdkName} sends no body`, 'key')
    delete given.requestBody
  }
  const value = payload === undefined ? undefined : check(schema, given, [], context)
  const checked = isObject(value) ? value : {}

  const params: Partial<Record<PathParameter, string>> = {}
  for (const name of operation.pathParameters) {
    const id = parameter(name, inputs, given, checked[name], context)
    if (id !== undefined) params[name] = id
  }
  if (context.errors.length > errorsBefore) return undefined

  const fields = nested ? checked.requestBody : bodyOf(checked, operation)
  const body = operation.body && isObject(fields) ? fields : undefined
  const prefix = nested ? ['requestBody'] : []
  if (body && !again) {
    operation.rules?.(body as never, {
      error: (path, message) => report([...prefix, ...path], message),
      warn: (path, message) => context.warnings.push({ path: [...prefix, ...path], message }),
      now: context.now,
    })
  }
  if (context.errors.length > errorsBefore) return undefined
  // Most requests are never shown.
  const shown = () =>
    operation.body && redact(operation.body, nested ? given.requestBody : without(given, operation.pathParameters))
  return { operation, params, body, redacted: shown }
}

const schemaFields = (schema: Schema): ObjectSchema['fields'] => (schema.kind === 'object' ? schema.fields : {})

const isParameter = ({ pathParameters }: Operation, name: string) =>
  (pathParameters as readonly string[]).includes(name)

/** The body's fields of a checked value that holds the path parameters too. */
function bodyOf(checked: Readonly<Record<string, unknown>>, operation: Operation): Record<string, unknown> {
  const body: Record<string, unknown> = {}
  for (const name in checked) if (!isParameter(operation, name)) body[name] = checked[name]
  return body
}

const without = (fields: Readonly<Record<string, unknown>>, names: readonly string[]) =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)))

/** A path parameter from the payload or its input, which have to agree where both are given. */
function parameter(
  name: PathParameter,
  inputs: Readonly<Partial<Record<ParameterInput, string>>>,
  given: Readonly<Record<string, unknown>>,
  checked: unknown,
  { errors }: Check,
): string | undefined {
  const input = (Object.keys(parameterInputs) as ParameterInput[]).find((input) => parameterInputs[input] === name)
  const fromInput = input && inputs[input]
  if (fromInput !== undefined) {
    if (checked !== undefined && checked !== fromInput) {
      errors.push({
        path: [name],
        message: `differs from the input \`${input}\`; give one of the two, or the same in both`,
      })
    }
    return fromInput
  }
  if (given[name] === undefined) {
    const orInput = input ? `, or as the input \`${input}\`` : ''
    errors.push({ path: [name], message: `is missing: give it in the payload${orInput}` })
  }
  return checked as string | undefined
}

/** The request's path, as it goes out. */
export const requestPath = ({ operation, params }: MarketplaceRequest): string =>
  operation.path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(params[name as PathParameter] ?? ''))
