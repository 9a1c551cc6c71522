// Builds the requests of valid payloads several times faster than `buildRequest`, for the records of a batch.

import type { Check } from '../payload/check.ts'
import { type Conversion, compileCheck, compileObject, inDoubt } from '../payload/compiled-check.ts'
import { isObject, object, segment } from '../payload/schema.ts'
import type { PathParameter, PathParameters } from './definition.ts'
import type { Operation } from './operation.ts'
import { type CheckedParts, type MarketplaceRequest, type RequestShape, requestOf } from './request.ts'

/** The compiled schemas of an operation's payloads. Undefined where a payload cannot have that notation. */
interface CompiledShape {
  readonly flat: Conversion | undefined
  readonly nested: Conversion | undefined
}

const compiledShapes = new WeakMap<RequestShape, CompiledShape>()

/**
 * Builds the request of a payload without problems.
 *
 * @param payload         has all path parameters
 * @param context         receives what the operation's rules report
 * @param alreadyChecked  skip the operation's rules: they were applied to this payload before
 * @returns `refused` if a rule reported an error; undefined if only `buildRequest` can tell whether there is a problem
 */
export function quickRequest(
  shape: RequestShape,
  payload: Readonly<Record<string, unknown>>,
  context: Check,
  alreadyChecked: boolean,
): MarketplaceRequest | 'refused' | undefined {
  const secretsBefore = context.secrets.length
  const parts = partsOf(shape, payload, context)
  if (!parts) {
    context.secrets.length = secretsBefore
    return undefined
  }
  return requestOf(shape.operation, parts, context, alreadyChecked) ?? 'refused'
}

function partsOf(
  shape: RequestShape,
  given: Readonly<Record<string, unknown>>,
  context: Check,
): CheckedParts | undefined {
  const { flat, nested } = compiledShape(shape)
  const isNested = Object.hasOwn(given, 'requestBody')
  const params = pathParametersIn(given, shape.operation, context)
  const converted = (isNested ? nested : flat)?.(given, context)
  if (!params || !isObject(converted)) return undefined
  const body = isNested ? converted.requestBody : converted
  if (!isObject(body)) return undefined
  return { params, body: shape.operation.body && body, given, isNested }
}

const convertSegment = compileCheck(segment())

/** @returns undefined if one may be missing or wrong */
function pathParametersIn(
  given: Readonly<Record<string, unknown>>,
  { pathParameters }: Operation,
  context: Check,
): PathParameters | undefined {
  const params: Partial<Record<PathParameter, string>> = {}
  for (const name of pathParameters) {
    const id = Object.hasOwn(given, name) ? convertSegment(given[name], context) : inDoubt
    if (id === inDoubt) return undefined
    params[name] = id as string
  }
  return params
}

function compiledShape(shape: RequestShape): CompiledShape {
  const compiled = compiledShapes.get(shape) ?? compileShape(shape.operation)
  compiledShapes.set(shape, compiled)
  return compiled
}

function compileShape({ body: sentBody, pathParameters }: Operation): CompiledShape {
  const body = sentBody ?? object({})
  const beside = new Set(['$schema', ...pathParameters])
  return {
    flat: body.kind === 'object' && !body.open ? compileObject(body, beside) : undefined,
    nested: sentBody && pathParameters.length > 0 ? compileObject(object({ requestBody: body }), beside) : undefined,
  }
}
