// Which operation a request is for.

import { quote } from '../format.ts'
import { type Operation, operations } from '../operations/catalogue.ts'
import { segmentProblem } from '../payload/text-problems.ts'
import { Refusal } from './answer.ts'

export interface MatchedRoute {
  readonly operation: Operation
  /** The path parameters, decoded. */
  readonly params: Readonly<Record<string, string>>
}

const templates = operations.map((operation) => ({ operation, template: operation.path.split('/') }))

/**
 * Finds the operation of a method and a path.
 *
 * @param path  as it stands in the request line
 * @throws {Refusal}
 */
export function matchRoute(method: string, path: string): MatchedRoute {
  const unknown = () => new Refusal(404, `No operation is ${quote(`${method} ${path}`, 200)}`)
  const [plain = '', query] = path.split('?')
  // An id that climbs has turned one operation into another before any route is looked up.
  const encoded = plain.split('/')
  if (encoded.some((segment) => /^(\.|%2e){1,2}$/i.test(segment))) throw unknown()
  const segments = encoded.map(decoded)
  const found = templates.find(
    ({ operation, template }) =>
      operation.method === method &&
      template.length === segments.length &&
      template.every((part, index) => (isParameterSegment(part) ? segments[index] !== '' : part === segments[index])),
  )
  if (!found) throw unknown()
  if (query !== undefined) throw new Refusal(400, `${found.operation.id} takes no query`)

  const params: Record<string, string> = {}
  found.template.forEach((part, index) => {
    if (!isParameterSegment(part)) return
    const value = segments[index] ?? ''
    const problem = segmentProblem(value)
    if (problem) throw new Refusal(400, `${part.slice(1, -1)} ${problem}`)
    params[part.slice(1, -1)] = value
  })
  return { operation: found.operation, params }
}

const isParameterSegment = (part: string) => part.startsWith('{')

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    throw new Refusal(400, 'The path is not valid percent-encoding')
  }
}
