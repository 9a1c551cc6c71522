// The payload of a step, from the input `payload` or the file `payload-file`.

import type { CutProblem } from '../cut-variables.ts'
import type { Diagnostic } from '../failure.ts'
import { quotePath } from '../format.ts'
import type { Identities } from './age-format.ts'
import { readMaybeEncrypted } from './file.ts'
import { parseSource } from './parse.ts'
import { maxPayloadBytes, type Source } from './source.ts'

/** A loaded payload. */
export interface Payload {
  /** Undefined if the step has no payload, or the payload has errors. */
  readonly value: unknown
  readonly errors: readonly Diagnostic[]
  readonly warnings: readonly Diagnostic[]
  /** Adds the file and the position to a problem. */
  readonly place: (problem: Diagnostic) => Diagnostic
}

/**
 * Loads the payload of a step.
 *
 * @param text        the input `payload`
 * @param file        the input `payload-file`, relative to the workspace; it may be encrypted with age
 * @param key         the identities of the input `tokens-key`
 * @param cutProblem  set on systems that can pass on a variable in part
 * @returns the value, or errors with their positions; never throws
 */
export async function loadPayload({
  text,
  file,
  key,
  workspace,
  cutProblem,
}: {
  text: string | undefined
  file: string | undefined
  key?: Identities | undefined
  workspace: string
  cutProblem?: CutProblem | undefined
}): Promise<Payload> {
  const none: Payload = { value: undefined, errors: [], warnings: [], place: named }
  const refused = (message: string): Payload => ({ ...none, errors: [{ message, ...(file && { file }) }] })

  let content = text
  const fileWarnings: Diagnostic[] = []
  if (file !== undefined) {
    try {
      const { text: fileText, isEncrypted } = await readMaybeEncrypted(workspace, file, key)
      content = fileText
      if (key && !isEncrypted) {
        const { notEncrypted } = await import('./age-key.ts')
        fileWarnings.push({ message: notEncrypted(`the payload file ${quotePath(file)}`), file })
      }
    } catch (error) {
      return refused(`the payload file ${quotePath(file)} cannot be read: ${(error as Error).message}`)
    }
    if (content.trim() === '') return refused(`the payload file ${quotePath(file)} is empty`)
  }
  if (content === undefined) return none
  if (Buffer.byteLength(content) > maxPayloadBytes) return refused('the payload is larger than 10 MiB')
  const source = await parseSource(content, notationOf(file))
  const isInDoubt = file === undefined && !hasClosingBracket(source, content)
  const problem = isInDoubt && cutProblem?.('INPUT_PAYLOAD', content)
  if (problem) return refused(`the payload ${problem}`)
  const place = locateIn(source, file)
  return {
    value: source.value,
    errors: source.errors.map(place),
    warnings: [...fileWarnings, ...source.warnings.map(place)],
    place,
  }
}

/** The notation that a file's name promises. */
function notationOf(file = ''): 'json' | 'yaml' | undefined {
  if (/\.json(\.age)?$/i.test(file)) return 'json'
  return /\.ya?ml(\.age)?$/i.test(file) ? 'yaml' : undefined
}

/** Whether a text ends with the bracket that closes its first one, as all JSON does: no part of it does that. */
const hasClosingBracket = ({ errors }: Source, content: string): boolean =>
  errors.length === 0 && /^\ufeff?\s*[[{]/.test(content)

function locateIn(source: Source, file: string | undefined): Payload['place'] {
  return ({ at, path = [], ...rest }) => {
    const problem = { ...rest, path }
    // A missing field has no position of its own: use that of the nearest parent.
    let position = problem.position
    for (let length = problem.path.length; !position && length >= 0; length--) {
      const inside = length === problem.path.length
      position = source.locate(problem.path.slice(0, length), inside && at ? at : 'value')
    }
    return { ...named(problem), ...(position && { position }), ...(file && { file }) }
  }
}

/** A problem without a path concerns the whole payload. */
const named = (problem: Diagnostic): Diagnostic =>
  (problem.path ?? []).length === 0 ? { ...problem, message: `the payload ${problem.message}` } : problem
