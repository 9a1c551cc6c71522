// Builds the request of an operation from a payload.

import type { Path } from '../failure.ts'
import { type Check, check } from '../payload/check.ts'
import { reportExpressions } from '../payload/free-form.ts'
import { kindOf } from '../payload/kinds.ts'
import { isObject, type ObjectSchema, object, optional, type Schema, segment } from '../payload/schema.ts'
import { isMisspelling } from '../payload/suggest.ts'
import type { PathParameter, PathParameters, RuleReporter } from './definition.ts'
import type { Operation } from './operation.ts'
import { redact } from './redact.ts'

/** A request that was checked. */
export interface MarketplaceRequest {
  readonly operation: Operation
  readonly params: PathParameters
  /** As the SDK takes it; undefined if the operation sends no body. */
  readonly body: Readonly<Record<string, unknown>> | undefined
  /** The body as it may be shown: as it is in the payload, with `***` for secrets and references not resolved. */
  readonly redacted: () => unknown
}

/** The inputs that set path parameters. */
export const parameterInputs = {
  'installation-id': 'integrationConfigurationId',
  'resource-id': 'resourceId',
  'invoice-id': 'invoiceId',
  'member-id': 'memberId',
} as const satisfies Record<string, PathParameter>

/** An input that sets a path parameter. */
export type ParameterInput = keyof typeof parameterInputs

/** The schemas of an operation's payloads, in both notations. Built once for all records of a batch. */
export interface RequestShape {
  readonly operation: Operation
  readonly flat: Schema
  readonly nested: ObjectSchema | undefined
}

/** The schemas of an operation's payloads. */
export function requestShape(operation: Operation): RequestShape {
  const { body } = operation
  // A parameter may come from an input instead, so it is optional here and checked afterwards.
  const parameters = Object.fromEntries(operation.pathParameters.map((name) => [name, optional(segment())]))
  const flat = object(body?.kind === 'object' ? { ...parameters, ...body.fields } : parameters)
  return {
    operation,
    // Without path parameters the payload is the body.
    flat: body && operation.pathParameters.length === 0 ? body : flat,
    nested: body && operation.pathParameters.length > 0 ? object({ ...parameters, requestBody: body }) : undefined,
  }
}

/**
 * Builds the request of a payload.
 *
 * @param payload         the payload's value; undefined if the step has no payload
 * @param inputs          the path parameters that inputs set, checked already; undefined for a record of a batch
 * @param context         receives every problem
 * @param alreadyChecked  skip the operation's rules: they were applied to this payload before
 * @returns undefined if the payload has errors
 */
export function buildRequest(
  shape: RequestShape,
  payload: unknown,
  inputs: Readonly<Partial<Record<ParameterInput, string>>> | undefined,
  context: Check,
  alreadyChecked = false,
): MarketplaceRequest | undefined {
  const { operation } = shape
  const errorsBefore = context.errors.length
  const report = (path: Path, message: string, at?: 'key') => context.errors.push({ path, message, ...(at && { at }) })

  if (payload === undefined && operation.body) {
    report([], `is missing: ${operation.sdkName} sends a body; set it with \`payload\` or \`payload-file\``)
    return undefined
  }
  if (payload !== undefined && !isObject(payload)) {
    report([], `must be an object with the fields of the request, not ${kindOf(payload)}`)
    return undefined
  }
  const given = withoutSchemaName(isObject(payload) ? payload : {})
  const bodyName = Object.hasOwn(given, 'requestBody')
    ? 'requestBody'
    : Object.keys(given).find((name) => isMisspelling(name, 'requestBody'))
  if (bodyName !== undefined) {
    const body = given[bodyName]
    // An example with its `$schema` may have been put inside.
    if (isObject(body)) given[bodyName] = withoutSchemaName(body)
    if (bodyName !== 'requestBody' && shape.nested) {
      report([bodyName], 'is not a known field; did you mean `requestBody`?', 'key')
    }
  }
  const nested = bodyName === undefined ? undefined : shape.nested && withBodyName(shape.nested, bodyName)
  const schema = nested ?? shape.flat
  if (nested) {
    for (const name of Object.keys(given)) {
      if (!Object.hasOwn(schemaFields(shape.flat), name) || isParameter(operation, name)) continue
      report([name], 'is beside `requestBody`: put all fields of the body inside it', 'key')
      reportExpressions(given[name], [name], context.errors)
      delete given[name]
    }
  }
  if (!operation.body && bodyName !== undefined) {
    report([bodyName], `is not used: ${operation.sdkName} sends no body`, 'key')
    delete given[bodyName]
  }
  const value = check(schema, given, [], context)
  const checked = isObject(value) ? value : {}

  const params: Partial<Record<PathParameter, string>> = {}
  for (const name of operation.pathParameters) {
    const id = parameter(name, inputs, given, checked[name], context)
    if (id !== undefined) params[name] = id
  }
  const isNested = nested !== undefined
  if (context.errors.length > errorsBefore) {
    const parts = bodyName === undefined ? checked : checked[bodyName]
    if (isObject(parts)) operation.refusals?.(parts, reporterOf(context, bodyName === undefined ? [] : [bodyName]))
    return undefined
  }

  const fields = isNested ? checked.requestBody : bodyOf(checked, operation)
  const body = operation.body && isObject(fields) ? fields : undefined
  return requestOf(operation, { params, body, given, isNested }, context, alreadyChecked)
}

/** The parts of a payload that its schema accepted. */
export interface CheckedParts {
  readonly params: PathParameters
  readonly body: Readonly<Record<string, unknown>> | undefined
  /** The payload as written. */
  readonly given: Readonly<Record<string, unknown>>
  /** Whether the body is inside `requestBody`. */
  readonly isNested: boolean
}

/**
 * Applies the operation's rules to a payload that its schema accepted.
 *
 * @param alreadyChecked  skip the rules: they were applied to this payload before
 * @returns the request; undefined if a rule reported an error
 */
export function requestOf(
  operation: Operation,
  { params, body, given, isNested }: CheckedParts,
  context: Check,
  alreadyChecked: boolean,
): MarketplaceRequest | undefined {
  const errorsBefore = context.errors.length
  if (body && !alreadyChecked) {
    operation.rules?.(body as never, reporterOf(context, isNested ? ['requestBody'] : []))
  }
  if (context.errors.length > errorsBefore) return undefined
  // Lazy, because most requests are never shown.
  const redacted = () =>
    operation.body &&
    redact(operation.body, isNested ? given.requestBody : without(given, ['$schema', ...operation.pathParameters]))
  return { operation, params, body, redacted }
}

/** What rules report to. @param prefix  the path of the body in the payload */
const reporterOf = ({ errors, warnings, now }: Check, prefix: Path): RuleReporter => ({
  error: (path, message) => void errors.push({ path: [...prefix, ...path], message }),
  warn: (path, message) => void warnings.push({ path: [...prefix, ...path], message }),
  now,
})

/** An object without `$schema`, which editors read. */
function withoutSchemaName({ $schema: _, ...fields }: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return fields
}

/** The nested schema for a payload whose `requestBody` may be misspelled, so that the fields inside are checked too. */
function withBodyName(nested: ObjectSchema, bodyName: string): ObjectSchema {
  const { requestBody, ...parameters } = nested.fields
  return requestBody ? { ...nested, fields: { ...parameters, [bodyName]: requestBody } } : nested
}

const schemaFields = (schema: Schema): ObjectSchema['fields'] => (schema.kind === 'object' ? schema.fields : {})

const isParameter = ({ pathParameters }: Operation, name: string) =>
  (pathParameters as readonly string[]).includes(name)

/** The body's fields of a checked value that also has the path parameters. */
function bodyOf(checked: Readonly<Record<string, unknown>>, operation: Operation): Record<string, unknown> {
  const body: Record<string, unknown> = {}
  for (const name in checked) if (!isParameter(operation, name)) body[name] = checked[name]
  return body
}

const without = (fields: Readonly<Record<string, unknown>>, names: readonly string[]) =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)))

const inputOf = (name: PathParameter) =>
  (Object.keys(parameterInputs) as ParameterInput[]).find((input) => parameterInputs[input] === name)

/** A path parameter from the payload or its input, which must be equal if both are set. */
function parameter(
  name: PathParameter,
  inputs: Readonly<Partial<Record<ParameterInput, string>>> | undefined,
  given: Readonly<Record<string, unknown>>,
  checked: unknown,
  { errors }: Check,
): string | undefined {
  const input = inputOf(name)
  const fromInput = input && inputs?.[input]
  if (fromInput !== undefined) {
    if (checked !== undefined && checked !== fromInput) {
      errors.push({
        path: [name],
        message: `differs from the input \`${input}\`; remove one of the two, or make them equal`,
      })
    }
    return fromInput
  }
  if (given[name] === undefined) {
    const place = inputs ? `payload${input ? ` or with the input \`${input}\`` : ''}` : 'record'
    errors.push({ path: [name], message: `is missing: set it in the ${place}` })
  }
  return checked as string | undefined
}

/** The path of the request, with its parameters percent-encoded. */
export const requestPath = ({ operation, params }: MarketplaceRequest): string =>
  operation.path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(params[name as PathParameter] ?? ''))
