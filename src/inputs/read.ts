// Reads and validates the inputs of a step.

import type { Shard } from '../batch/records/shard.ts'
import type { OnGone } from '../batch/sending/prepared-record.ts'
import type { SecretPlace } from '../credentials/github-secret.ts'
import type { OnDuplicate } from '../delivery/refund.ts'
import type { Limits } from '../delivery/retry.ts'
import type { Wait } from '../delivery/wait-for.ts'
import { loadOperationByName } from '../operations/load.ts'
import type { Operation } from '../operations/operation.ts'
import { type ParameterInput, parameterInputs } from '../operations/request.ts'
import type { Destination } from './parse.ts'
import { type PlanInputs, planInputs } from './plan-inputs.ts'
import { type InputReader, invalidInputs, isGivenIn, limitsOf, readValues, textOf, waitOf } from './reader.ts'
import { inputProblems, unknownInputs } from './rules.ts'
import { type InputValues, inputNames, rowOf } from './table.ts'

/** The inputs of a step that runs an operation of the API: a request or a batch. */
export type ApiInputs = (RequestInputs & { readonly task: 'request' }) | (BatchStepInputs & { readonly task: 'batch' })

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
  /** The most money that one request may move, as a decimal. */
  readonly maxAmount: string | undefined
  /** Opens files that are encrypted with age. */
  readonly tokensKey: string | undefined
  readonly expectDigest: string | undefined
}

export interface BatchStepInputs extends SendingInputs, PlanInputs {
  /** Path of the batch file, as the step gives it. */
  readonly path: string
  readonly tokens: string | undefined
  readonly tokensFile: string | undefined
  readonly concurrency: number
  readonly shard: Shard
  readonly journalFile: string | undefined
  readonly maxFailures: number | undefined
  readonly onGone: OnGone
  /** The file in which a rotation stores the new tokens. */
  readonly newTokensFile: string | undefined
  readonly revokesPrevious: boolean
}

export interface RequestInputs extends SendingInputs {
  readonly payload: string | undefined
  readonly payloadFile: string | undefined
  readonly parameters: Readonly<Partial<Record<ParameterInput, string>>>
  readonly wait: Wait | undefined
  /** The secret in which a rotation stores the new token. */
  readonly store: (SecretPlace & { readonly githubToken: string; readonly revokesPrevious: boolean }) | undefined
}

/** The secrets among the inputs, for masking before anything is printed. */
export const readSecrets = (reader: InputReader): string[] =>
  inputNames
    .flatMap((name) => rowOf(name).secretsIn?.(textOf(reader, name)) ?? [])
    .filter((secret) => secret.trim() !== '')

/** Whether to write the job summary. Steps with invalid inputs have one too, so this does not validate. */
export const wantsSummary = (reader: InputReader): boolean => textOf(reader, 'summary').toLowerCase() !== 'false'

/** The operation of a step: its name for reports and, if it is one of the API, the operation. */
export interface StepOperation {
  readonly name: string
  readonly operation?: Operation
}

/**
 * Reads the input `operation`.
 *
 * @returns its name for reports, and the operation of the API; an operation of ours has none
 * @throws {Failure} if there is no such operation
 */
export async function readOperation(reader: InputReader): Promise<StepOperation> {
  const name = textOf(reader, 'operation')
  const operation = await loadOperationByName(name)
  if (operation) return { name: operation.sdkName, operation }
  return { name: (await import('./own-operations.ts')).findOwnOperation(name).name }
}

/**
 * Reads the inputs of a step that runs an operation of the API.
 *
 * @throws {Failure} with every problem of the inputs
 */
export function readInputs(reader: InputReader, operation: Operation, env: NodeJS.ProcessEnv): ApiInputs {
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

/** Why these inputs cannot be used in a batch. */
function batchProblems({ sdkName, batchProblem }: Operation, externalId: string): string[] {
  const problems: string[] = []
  if (externalId !== 'auto' && externalId !== 'none') {
    problems.push('Input `external-id` must be `auto` or `none` in a batch: Vercel accepts each key once')
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
  limits: limitsOf(values),
  externalId: values['external-id'],
  onDuplicate: values['on-duplicate'],
  maxAmount: values['max-amount'],
  tokensKey: values['tokens-key'],
  expectDigest: values['expect-digest'],
})

const batchInputs = (operation: Operation, values: InputValues): ApiInputs => ({
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
  ...planInputs(values),
  newTokensFile: values['new-tokens-file'],
  revokesPrevious: values['revoke-previous'],
})

function requestInputs(operation: Operation, values: InputValues, repository: string): ApiInputs {
  const parameters = (Object.keys(parameterInputs) as ParameterInput[]).map((name) => [name, values[name]])
  const secret = values['store-secret']
  return {
    task: 'request',
    ...sendingInputs(operation, values),
    payload: values.payload,
    payloadFile: values['payload-file'],
    parameters: Object.fromEntries(parameters),
    wait: waitOf(values),
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
