// Reads and validates the inputs of a step.

import type { BatchInputs } from '../batch/run.ts'
import type { SecretPlace } from '../credentials/github-secret.ts'
import type { OnDuplicate } from '../delivery/refund.ts'
import type { Limits } from '../delivery/retry.ts'
import type { Wait } from '../delivery/wait-for.ts'
import { Failure } from '../failure.ts'
import { quote } from '../format.ts'
import { loadOperationByName, operationNames, suggestName } from '../operations/load.ts'
import type { Operation } from '../operations/operation.ts'
import { type ParameterInput, parameterInputs } from '../operations/request.ts'
import type { Runner } from '../runtime.ts'
import type { Destination } from './parse.ts'
import { inputProblems, mergeProblems, unknownInputs } from './rules.ts'
import { type InputName, type InputValues, inputNames, rowOf } from './table.ts'

/** The inputs of one of the tasks: a request, a batch, or the merging of journals. */
export type Inputs =
  | (RequestInputs & { readonly task: 'request' })
  | (BatchStepInputs & { readonly task: 'batch' })
  | (MergeInputs & { readonly task: 'merge' })

/** The inputs that a single request and a batch share. */
interface SendingInputs {
  readonly operation: Operation
  readonly token: string | undefined
  readonly destination: Destination
  readonly dryRun: boolean
  readonly failsOnWarning: boolean
  readonly limits: Limits
  /** `auto`, `none`, or the key itself. */
  readonly externalId: string
  readonly onDuplicate: OnDuplicate
}

export type BatchStepInputs = SendingInputs &
  Pick<
    BatchInputs,
    | 'path'
    | 'tokens'
    | 'tokensFile'
    | 'concurrency'
    | 'shard'
    | 'journalFile'
    | 'maxFailures'
    | 'onGone'
    | 'newTokensFile'
    | 'revokesPrevious'
  >

export interface MergeInputs {
  /** Paths or globs. */
  readonly journals: readonly string[]
}

export interface RequestInputs extends SendingInputs {
  readonly payload: string | undefined
  readonly payloadFile: string | undefined
  readonly parameters: Readonly<Partial<Record<ParameterInput, string>>>
  readonly wait: Wait | undefined
  /** The most money that the request may move, as a decimal. */
  readonly maxAmount: string | undefined
  readonly expectDigest: string | undefined
  /** The secret in which a rotation stores the new token. */
  readonly store: (SecretPlace & { readonly githubToken: string; readonly revokesPrevious: boolean }) | undefined
}

type InputReader = Pick<Runner, 'getInput'>

/** The text of an input, trimmed; its default if it is not given. */
function textOf({ getInput }: InputReader, name: InputName): string {
  const { keepsBlanks, default: defaultText = '' } = rowOf(name)
  const text = getInput(name)
  if (text.trim() === '') return defaultText
  return keepsBlanks ? text : text.trim()
}

/**
 * Tells which inputs are given. The runner sets defaults, so an input with its default value cannot be distinguished from
 * one that is not given.
 */
const isGivenIn = (reader: InputReader) => (name: string) =>
  textOf(reader, name as InputName) !== (rowOf(name as InputName).default ?? '')

/** The secrets among the inputs, for masking before anything is printed. */
export const readSecrets = (reader: InputReader): string[] =>
  inputNames
    .flatMap((name) => rowOf(name).secretsIn?.(textOf(reader, name)) ?? [])
    .filter((secret) => secret.trim() !== '')

/** Whether to write the job summary. Steps with invalid inputs have one too, so this does not validate. */
export const wantsSummary = (reader: InputReader): boolean => textOf(reader, 'summary').toLowerCase() !== 'false'

const mergeJournalsNames = ['mergeJournals', 'merge-journals']

/**
 * Reads the input `operation`.
 *
 * @returns its name for reports, and the operation; `mergeJournals` has none
 * @throws {Failure} if there is no such operation
 */
export async function readOperation(
  reader: InputReader,
): Promise<{ readonly name: string; readonly operation?: Operation }> {
  const name = textOf(reader, 'operation')
  if (mergeJournalsNames.includes(name)) return { name: 'mergeJournals' }
  const operation = await loadOperationByName(name)
  if (operation) return { name: operation.sdkName, operation }

  const known = [...operationNames, 'mergeJournals'].join(', ')
  if (name === '') {
    throw new Failure('unknown_operation', `Input \`operation\` is missing. Choose one of: ${known}`)
  }
  const near = suggestName(name, mergeJournalsNames)
  const problem = `There is no operation ${quote(name)}`
  throw new Failure(
    'unknown_operation',
    near ? `${problem}; did you mean \`${near}\`? Known: ${known}` : `${problem}. Known: ${known}`,
  )
}

/**
 * Reads the inputs of a step.
 *
 * @param operation  the one that the step runs; undefined for mergeJournals
 * @throws {Failure} with every problem of the inputs
 */
export function readInputs(reader: InputReader, operation: Operation | undefined, env: NodeJS.ProcessEnv): Inputs {
  if (!operation) return readMergeInputs(reader, env)
  const isGiven = isGivenIn(reader)
  const isBatch = isGiven('batch-file')
  const { values, problems } = readValues(reader)
  problems.unshift(...unknownInputs(env), ...inputProblems({ operation, isBatch, isGiven }))
  const { onDuplicate } = operation
  // Undefined if the text could not be parsed.
  const reaction: (typeof values)['on-duplicate'] | undefined = values['on-duplicate']
  if (onDuplicate && reaction && !onDuplicate.includes(reaction)) {
    problems.push(`Input \`on-duplicate\` must be ${onDuplicate.join(' or ')} for ${operation.sdkName}`)
  }
  if (isBatch) problems.push(...batchProblems(operation, values['external-id']))
  const repository = env.GITHUB_REPOSITORY ?? ''
  if (values['store-secret'] && !values['store-secret-organization'] && !/^[^/]+\/[^/]+$/.test(repository)) {
    problems.push('GITHUB_REPOSITORY is not set, so there is no repository for `store-secret`')
  }
  if (problems.length > 0) throw invalidInputs(problems)
  return isBatch ? batchInputs(operation, values) : requestInputs(operation, values, repository)
}

/** Parses every input. The values are complete only if there are no problems. */
function readValues(reader: InputReader): { readonly values: InputValues; readonly problems: string[] } {
  const problems: string[] = []
  const values = inputNames.map((name) => {
    const text = textOf(reader, name)
    if (text === '') return [name, undefined]
    const parsed = rowOf(name).parse(text)
    if ('value' in parsed) return [name, parsed.value]
    problems.push(...parsed.problems.map((problem) => `Input \`${name}\` ${problem}`))
    return [name, undefined]
  })
  return { values: Object.fromEntries(values) as InputValues, problems }
}

/** Why these inputs cannot be used in a batch. */
function batchProblems({ sdkName, batchProblem }: Operation, externalId: string): string[] {
  const problems: string[] = []
  if (externalId !== 'auto' && externalId !== 'none') {
    problems.push(
      'Input `external-id` must be auto or none in a batch: with one key for all invoices Vercel would accept only the first',
    )
  }
  if (batchProblem) problems.push(`${sdkName} cannot run as a batch: ${batchProblem}`)
  return problems
}

const sendingInputs = (operation: Operation, values: InputValues): SendingInputs => ({
  operation,
  token: values.token,
  destination: values['api-url'],
  dryRun: values['dry-run'],
  failsOnWarning: values['fail-on-warning'],
  limits: {
    maxAttempts: values['max-attempts'],
    attemptTimeoutMs: values['attempt-timeout'],
    retryTimeoutMs: values['retry-timeout'],
  },
  externalId: values['external-id'],
  onDuplicate: values['on-duplicate'],
})

const batchInputs = (operation: Operation, values: InputValues): Inputs => ({
  task: 'batch',
  ...sendingInputs(operation, values),
  path: values['batch-file'] ?? '',
  tokens: values.tokens,
  tokensFile: values['tokens-file'],
  concurrency: values.concurrency,
  shard: values.shard,
  journalFile: values['journal-file'],
  maxFailures: values['max-failures'],
  onGone: values['on-gone'],
  newTokensFile: values['new-tokens-file'],
  revokesPrevious: values['revoke-previous'],
})

function requestInputs(operation: Operation, values: InputValues, repository: string): Inputs {
  const parameters = (Object.keys(parameterInputs) as ParameterInput[])
    .map((name) => [name, values[name]])
    .filter(([, value]) => value !== undefined)
  const states = values['wait-for']
  const secret = values['store-secret']
  return {
    task: 'request',
    ...sendingInputs(operation, values),
    payload: values.payload,
    payloadFile: values['payload-file'],
    parameters: Object.fromEntries(parameters),
    wait: states && { states, timeoutMs: values['wait-timeout'], intervalMs: values['wait-interval'] },
    maxAmount: values['max-amount'],
    expectDigest: values['expect-digest'],
    store:
      secret === undefined
        ? undefined
        : {
            name: secret,
            repository,
            environment: values['store-secret-environment'],
            organization: values['store-secret-organization'],
            githubToken: values['github-token'] ?? '',
            revokesPrevious: values['revoke-previous'],
          },
  }
}

function readMergeInputs(reader: InputReader, env: NodeJS.ProcessEnv): Inputs {
  const problems = [...unknownInputs(env), ...mergeProblems(isGivenIn(reader))]
  const journals = textOf(reader, 'journal-file')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  if (journals.length === 0) {
    problems.push('Input `journal-file` is missing: give the journals, one path or glob per line')
  }
  if (problems.length > 0) throw invalidInputs(problems)
  return { task: 'merge', journals }
}

const invalidInputs = (problems: readonly string[]) =>
  new Failure('invalid_input', problems.join('\n'), { diagnostics: problems.map((message) => ({ message })) })
