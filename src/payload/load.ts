// A step's payload: its text, where it came from, and its value.

import type { Diagnostic } from '../failure.ts'
import { readTextFile } from './file.ts'
import { parseSource } from './parse.ts'
import { maxBytes, type Source } from './source.ts'

export interface Payload {
  /** Undefined where the step has no payload, or one with errors. */
  readonly value: unknown
  readonly errors: readonly Diagnostic[]
  readonly warnings: readonly Diagnostic[]
  /** Adds to a problem where it stands. */
  readonly place: (problem: Diagnostic) => Diagnostic
}

/**
 * Loads the payload of a step.
 *
 * @param text  of the input `payload`
 * @param file  the input `payload-file`
 */
export async function loadPayload({
  text,
  file,
  workspace,
}: {
  text: string | undefined
  file: string | undefined
  workspace: string
}): Promise<Payload> {
  const none: Payload = { value: undefined, errors: [], warnings: [], place: named }
  const refused = (message: string): Payload => ({ ...none, errors: [{ message, ...(file && { file }) }] })

  let content = text
  if (file !== undefined) {
    try {
      content = readTextFile(workspace, file)
    } catch (error) {
      return refused(`the payload file ${JSON.stringify(file)} cannot be read: ${(error as Error).message}`)
    }
    if (content.trim() === '') return refused(`the payload file ${JSON.stringify(file)} is empty`)
  }
  if (content === undefined) return none
  if (Buffer.byteLength(content) > maxBytes) return refused('the payload is larger than 10 MiB')
  const source = await parseSource(content, file?.toLowerCase().endsWith('.json') ? 'json' : undefined)
  const place = locateIn(source, file)
  return { value: source.value, errors: source.errors.map(place), warnings: source.warnings.map(place), place }
}

function locateIn(source: Source, file: string | undefined): Payload['place'] {
  return ({ at, path = [], ...rest }) => {
    const problem = { ...rest, path }
    // What is missing has no place: the nearest that has one is what it is missing from.
    let position = problem.position
    for (let length = problem.path.length; !position && length >= 0; length--) {
      const inside = length === problem.path.length
      position = source.locate(problem.path.slice(0, length), inside && at ? at : 'value')
    }
    return { ...named(problem), ...(position && { position }), ...(file && { file }) }
  }
}

/** A problem without a path is one of the payload as a whole. */
const named = (problem: Diagnostic): Diagnostic =>
  (problem.path ?? []).length === 0 ? { ...problem, message: `the payload ${problem.message}` } : problem
