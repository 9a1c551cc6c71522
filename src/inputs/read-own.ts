// Reads the inputs of the operations of ours.

import type { Limits } from '../delivery/retry.ts'
import type { Wait } from '../delivery/wait-for.ts'
import { findOwnOperation, type OwnOperation, type OwnOperationName } from './own-operations.ts'
import { type Destination, nonBlankLines } from './parse.ts'
import { type InputReader, invalidInputs, isGivenIn, limitsOf, readValues, waitOf } from './reader.ts'
import { excludedBy, goesWith, unknownInputs } from './rules.ts'
import { type InputName, type InputUse, type InputValues, inputNames, rowOf } from './table.ts'

export type OwnInputs = (MergeInputs & { readonly task: 'merge' }) | (TrackInputs & { readonly task: 'track' })

export interface MergeInputs {
  /** Paths or globs. */
  readonly journals: readonly string[]
  readonly reportFile: string | undefined
}

export interface TrackInputs extends MergeInputs {
  readonly destination: Destination
  readonly token: string | undefined
  readonly tokens: string | undefined
  readonly tokensFile: string | undefined
  /** Opens an encrypted `tokensFile`. */
  readonly tokensKey: string | undefined
  readonly limits: Limits
  readonly concurrency: number
  readonly wait: Wait | undefined
  /** The statuses for which the step fails. */
  readonly failOn: readonly string[]
}

/**
 * Reads the inputs of an operation of ours.
 *
 * @param name  of the operation
 * @throws {Failure} with every problem of the inputs
 */
export function readOwnInputs(reader: InputReader, name: string, env: NodeJS.ProcessEnv): OwnInputs {
  const own = findOwnOperation(name)
  const { values, problems } = readValues(reader)
  const { value: journals } = nonBlankLines(values['journal-file'] ?? '') as { readonly value: readonly string[] }
  problems.unshift(...unknownInputs(env), ...ownProblems(own, isGivenIn(reader)))
  if (journals.length === 0) {
    problems.push('Input `journal-file` is missing: give the journals, one path or glob per line')
  }
  problems.push(...missingTokens(own.name, values))
  if (problems.length > 0) throw invalidInputs(problems)
  const reportFile = values['report-file']
  return own.name === 'mergeJournals' ? { task: 'merge', journals, reportFile } : trackInputs(values, journals)
}

/** The problems with the choice of inputs: one sentence for each. */
const ownProblems = (own: OwnOperation, isGiven: InputUse['isGiven']): string[] =>
  inputNames.filter(isGiven).flatMap((name) => {
    const { excludes = [], ...row } = rowOf(name)
    if (!row[own.usesInput]) return [`Input \`${name}\` is not used by ${own.name}: ${own.unusedReason}`]
    const needs = (row.needs ?? []).filter((need) => rowOf(need as InputName)[own.usesInput])
    return [
      ...(needs.length > 0 && !needs.some(isGiven)
        ? [`Input \`${name}\` is not used by ${own.name}: ${goesWith(needs)}`]
        : []),
      ...excludedBy(name, excludes, isGiven),
    ]
  })

const missingTokens = (name: OwnOperationName, { token, tokens, 'tokens-file': file }: InputValues): string[] =>
  name === 'trackInvoices' && token === undefined && tokens === undefined && file === undefined
    ? ['Input `tokens` is missing: give the access tokens of the installations in `tokens`, `tokens-file` or `token`']
    : []

const trackInputs = (values: InputValues, journals: readonly string[]): OwnInputs => ({
  task: 'track',
  journals,
  reportFile: values['report-file'],
  destination: values['api-url'],
  token: values.token,
  tokens: values.tokens,
  tokensFile: values['tokens-file'],
  tokensKey: values['tokens-key'],
  limits: limitsOf(values),
  concurrency: values.concurrency,
  wait: waitOf(values),
  failOn: values['fail-on'] ?? [],
})
