// What action.yml declares, read once and typed. Here and in report/ alone the runner is known.

import { getInput } from '@actions/core'
import { readShard, type Shard } from '../batch/records/shard.ts'
import { tokenProblem } from '../credentials/access-token.ts'
import type { SecretPlace } from '../credentials/github-secret.ts'
import type { Limits } from '../delivery/deliver.ts'
import type { OnDuplicate } from '../delivery/reconcile.ts'
import type { Wait } from '../delivery/wait-for.ts'
import { Failure } from '../failure.ts'
import { quote } from '../format.ts'
import { findOperation, namesOf, type Operation, type OperationName, operations } from '../operations/catalogue.ts'
import { invoiceStates } from '../operations/invoice-state.ts'
import { type ParameterInput, parameterInputs } from '../operations/request.ts'
import { nearest, segmentProblem, suggestion } from '../payload/check.ts'

/** Every input with its default. action.yml says the same to the runner; a test holds the two together. */
export const defaults = {
  operation: '',
  payload: '',
  'payload-file': '',
  token: '',
  'installation-id': '',
  'resource-id': '',
  'invoice-id': '',
  'member-id': '',
  'api-url': 'https://api.vercel.com',
  'dry-run': 'false',
  summary: 'true',
  'max-attempts': '5',
  'attempt-timeout': '30',
  'retry-timeout': '300',
  'external-id': 'auto',
  'on-duplicate': 'fail',
  'wait-for': '',
  'wait-timeout': '600',
  'wait-interval': '10',
  'batch-file': '',
  tokens: '',
  'tokens-file': '',
  concurrency: '16',
  shard: '1/1',
  'journal-file': '',
  'max-failures': '',
  'store-secret': '',
  'store-secret-environment': '',
  'store-secret-organization': '',
  'github-token': '',
  'new-tokens-file': '',
  'revoke-previous': 'false',
} as const

export type InputName = keyof typeof defaults

/** Where requests go. */
export type Destination = { readonly sandbox: true } | { readonly sandbox: false; readonly baseUrl: string }

/** What a step is to do: one request, a batch of them, or to put the journals of batches together. */
export type Inputs =
  | (RequestInputs & { readonly task: 'request' })
  | (BatchStepInputs & { readonly task: 'batch' })
  | (MergeInputs & { readonly task: 'merge' })

/** What requests have in common, alone or in a batch. */
interface SendingInputs {
  readonly operation: Operation
  readonly token: string | undefined
  readonly destination: Destination
  readonly dryRun: boolean
  readonly limits: Limits
  /** `auto`, `none`, or the key itself. */
  readonly externalId: string
  readonly onDuplicate: OnDuplicate
}

export interface BatchStepInputs extends SendingInputs {
  readonly path: string
  readonly tokens: string | undefined
  readonly tokensFile: string | undefined
  readonly concurrency: number
  readonly shard: Shard
  readonly journalFile: string | undefined
  readonly maxFailures: number | undefined
  /** Where a rotation keeps the tokens that it is given. */
  readonly newTokensFile: string | undefined
  readonly revokesPrevious: boolean
}

export interface MergeInputs {
  /** Paths or globs. */
  readonly journals: readonly string[]
}

export interface RequestInputs extends SendingInputs {
  readonly payload: string | undefined
  readonly payloadFile: string | undefined
  readonly parameters: Readonly<Partial<Record<ParameterInput, string>>>
  readonly wait: Wait | undefined
  /** Where a rotation stores the token that it is given. */
  readonly store: (SecretPlace & { readonly githubToken: string; readonly revokesPrevious: boolean }) | undefined
}

/** The values that may be secret, read before anything else so that they can be masked before anything is printed. */
export const readSecrets = (): string[] =>
  [read('token'), read('github-token'), read('tokens'), ...textsOf(read('tokens'))].filter((value) => value !== '')

/** The texts of a JSON object, if it is one: whether it is right is seen later. */
function textsOf(text: string): string[] {
  try {
    return Object.values(JSON.parse(text || '{}')).filter((value) => typeof value === 'string')
  } catch {
    return []
  }
}

/** Whether to write the job summary: asked for on its own, since a step that fails early writes one too. */
export const wantsSummary = (): boolean => read('summary').toLowerCase() !== 'false'

/**
 * Reads the inputs of a step.
 *
 * @param step  learns the operation as soon as it is known, since a failure is reported under its name
 * @throws {Failure} with everything that is wrong with the inputs
 */
export function readInputs(step: { name?: string; operation?: Operation }): Inputs {
  const name = read('operation')
  if (mergeNames.includes(name)) {
    step.name = 'mergeJournals'
    return readMerge()
  }
  const operation = readOperation(name)
  step.name = operation.sdkName
  step.operation = operation
  const isBatch = !isDefault('batch-file')
  const problems: string[] = []
  const given = (name: InputName) => !isDefault(name)
  const value = (name: InputName) => (given(name) ? read(name) : undefined)

  for (const name of Object.keys(defaults) as InputName[]) {
    const reason = given(name) && whyUnused(name, operation, isBatch)
    if (reason) problems.push(`input \`${name}\` is not used by ${operation.sdkName}: ${reason}`)
  }
  if (given('payload') && given('payload-file')) {
    problems.push('inputs `payload` and `payload-file` exclude each other: give one of the two')
  }
  if (!operation.anonymous && !(isBatch && read('token') === '')) problems.push(...tokenProblems(read('token')))
  const flag = (name: InputName) => {
    const text = read(name) || defaults[name]
    if (!/^(true|false)$/i.test(text)) problems.push(`input \`${name}\` must be true or false`)
    return text.toLowerCase() === 'true'
  }
  const parameters: Partial<Record<ParameterInput, string>> = {}
  for (const name of Object.keys(parameterInputs) as ParameterInput[]) {
    if (!given(name)) continue
    parameters[name] = read(name)
    const problem = segmentProblem(read(name))
    if (problem) problems.push(`input \`${name}\` ${problem}`)
  }
  const dryRun = flag('dry-run')
  flag('summary')
  const number = (name: InputName) => {
    const text = read(name) || defaults[name]
    if (!/^0*[1-9]\d{0,8}$/.test(text)) problems.push(`input \`${name}\` must be a positive whole number`)
    return Number(text)
  }
  const limits = {
    maxAttempts: number('max-attempts'),
    attemptTimeoutMs: number('attempt-timeout') * 1000,
    retryTimeoutMs: number('retry-timeout') * 1000,
  }
  const [timeout, interval] = [number('wait-timeout'), number('wait-interval')]
  const states = readStates(value('wait-for') ?? '', problems)
  const onDuplicate = read('on-duplicate') || defaults['on-duplicate']
  if (onDuplicate !== 'fail' && onDuplicate !== 'succeed') problems.push('input `on-duplicate` must be fail or succeed')
  const destination = readDestination(read('api-url') || defaults['api-url'], problems)
  const externalId = read('external-id') || defaults['external-id']
  const concurrency = number('concurrency')
  const maxFailures = given('max-failures') ? number('max-failures') : undefined
  const shard = readShard(read('shard') || defaults.shard)
  if (!shard) problems.push('input `shard` must be i/n, the i-th of n parts, such as 2/4')
  if (isBatch) problems.push(...batchProblems(operation, externalId))
  problems.push(...rotationProblems(isBatch))
  const revokesPrevious = flag('revoke-previous')
  if (problems.length > 0 || !shard) throw refused(problems)

  const sending = {
    operation,
    token: value('token'),
    destination,
    dryRun,
    limits,
    externalId,
    onDuplicate: onDuplicate as OnDuplicate,
  }
  if (isBatch) {
    return {
      task: 'batch',
      ...sending,
      path: read('batch-file'),
      tokens: value('tokens'),
      tokensFile: value('tokens-file'),
      concurrency,
      shard,
      journalFile: value('journal-file'),
      maxFailures,
      newTokensFile: value('new-tokens-file'),
      revokesPrevious,
    }
  }
  return {
    task: 'request',
    ...sending,
    // Blanks count in YAML.
    payload: given('payload') ? read('payload', { trim: false }) : undefined,
    payloadFile: value('payload-file'),
    parameters,
    store: given('store-secret') ? readStore(revokesPrevious) : undefined,
    wait: states.length > 0 ? { states, timeoutMs: timeout * 1000, intervalMs: interval * 1000 } : undefined,
  }
}

const mergeNames = ['mergeJournals', 'merge-journals']

function readMerge(): Inputs {
  const used: readonly InputName[] = ['operation', 'journal-file', 'summary']
  const problems = (Object.keys(defaults) as InputName[])
    .filter((name) => !used.includes(name) && !isDefault(name))
    .map((name) => `input \`${name}\` is not used by mergeJournals: it reads journals, and sends nothing`)
  const journals = read('journal-file')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  if (journals.length === 0) problems.push('input `journal-file` is missing: give the journals, a path or glob a line')
  if (problems.length > 0) throw refused(problems)
  return { task: 'merge', journals }
}

function batchProblems(operation: Operation, externalId: string): string[] {
  const problems: string[] = []
  for (const name of ['payload', 'payload-file'] as const) {
    if (!isDefault(name)) problems.push(`inputs \`batch-file\` and \`${name}\` exclude each other: give one of the two`)
  }
  if (!isDefault('tokens') && !isDefault('tokens-file')) {
    problems.push('inputs `tokens` and `tokens-file` exclude each other: give one of the two')
  }
  if (externalId !== 'auto' && externalId !== 'none') {
    problems.push(
      'input `external-id` must be auto or none in a batch: one key for all invoices would stop all but the first',
    )
  }
  if (operation.name === 'exchangeSsoToken') {
    problems.push('exchangeSsoToken cannot run as a batch: the tokens that it issues would be lost')
  }
  if (operation.name === 'rotateInstallationCredential' && isDefault('new-tokens-file')) {
    problems.push('input `new-tokens-file` is missing: a batch of rotations needs a file for the new tokens')
  }
  return problems
}

function rotationProblems(isBatch: boolean): string[] {
  const problems: string[] = []
  const name = read('store-secret')
  const places = ['store-secret-environment', 'store-secret-organization'] as const
  if (name === '') {
    for (const input of [...places, 'github-token'] as const) {
      if (!isDefault(input)) problems.push(`input \`${input}\` goes with \`store-secret\`, the name of the secret`)
    }
    if (!isDefault('revoke-previous') && isDefault('new-tokens-file')) {
      problems.push(
        'input `revoke-previous` needs `store-secret` or `new-tokens-file`: the new token has to be kept first',
      )
    }
    return problems
  }
  if (isBatch)
    problems.push('input `store-secret` is for one installation; a batch keeps its tokens in `new-tokens-file`')
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || /^GITHUB_/i.test(name)) {
    problems.push('input `store-secret` must be letters, digits and _, without a digit or GITHUB_ at its beginning')
  }
  if (places.every((input) => !isDefault(input))) {
    problems.push(
      'inputs `store-secret-environment` and `store-secret-organization` exclude each other: a secret is of one of them',
    )
  }
  if (isDefault('github-token')) {
    problems.push('input `github-token` is missing: `store-secret` needs a token that may write the secret')
  }
  if (isDefault('store-secret-organization') && !/^[^/]+\/[^/]+$/.test(process.env.GITHUB_REPOSITORY ?? '')) {
    problems.push('GITHUB_REPOSITORY is not set, so `store-secret` has no repository to store in')
  }
  return problems
}

const readStore = (revokesPrevious: boolean) => ({
  name: read('store-secret'),
  repository: process.env.GITHUB_REPOSITORY ?? '',
  environment: read('store-secret-environment') || undefined,
  organization: read('store-secret-organization') || undefined,
  githubToken: read('github-token'),
  revokesPrevious,
})

const read = (name: InputName, { trim = true } = {}) => getInput(name, { trimWhitespace: trim })

/** The runner fills in defaults, so that an input that was left out cannot be told from one that repeats its default. */
const isDefault = (name: InputName) => ['', defaults[name]].includes(read(name))

const refused = (problems: readonly string[]) =>
  new Failure('invalid_input', problems.join('\n'), { findings: problems.map((message) => ({ message })) })

function readOperation(name: string): Operation {
  const operation = findOperation(name)
  if (operation) return operation

  const near = nearest(name, [...operations.flatMap(namesOf), ...mergeNames])
  const known = [...operations.map((operation) => operation.name), 'mergeJournals'].join(', ')
  const message =
    name === '' ? 'input `operation` is missing' : `there is no operation ${JSON.stringify(name.slice(0, 80))}`
  throw new Failure(
    'unknown_operation',
    `${message}${near && name !== '' ? `; did you mean \`${near}\`?` : ''} Known: ${known}`,
  )
}

/** Why an operation has no use for an input, if it has none. */
function whyUnused(name: InputName, operation: Operation, isBatch: boolean): string | undefined {
  if (rotationInputs.has(name) && operation.name !== 'rotateInstallationCredential') {
    return 'it is for rotateInstallationCredential'
  }
  if (batchInputs.has(name) && !isBatch) return 'it goes with `batch-file`'
  if (isBatch && Object.hasOwn(parameterInputs, name)) return 'each record of the batch file has its own ids'
  if (isBatch && name === 'wait-for') return 'a batch does not wait; read the invoices in a later step'
  if (Object.hasOwn(parameterInputs, name)) {
    const parameter = parameterInputs[name as ParameterInput]
    return operation.pathParameters.includes(parameter) ? undefined : `its path has no ${parameter}`
  }
  if (name === 'token' && operation.anonymous)
    return 'its request carries no token, but the clientSecret of the payload'
  if ((name === 'external-id' || name === 'on-duplicate') && operation.name !== 'submitInvoice') {
    return 'it is for submitInvoice alone'
  }
  if (name === 'wait-for' && !waits.has(operation.name)) return `it is for ${[...waits].join(', ')}`
  if ((name === 'wait-timeout' || name === 'wait-interval') && isDefault('wait-for')) return 'it goes with `wait-for`'
  return undefined
}

const batchInputs = new Set<InputName>([
  'tokens',
  'tokens-file',
  'concurrency',
  'shard',
  'journal-file',
  'max-failures',
  'new-tokens-file',
])

const rotationInputs = new Set<InputName>([
  'store-secret',
  'store-secret-environment',
  'store-secret-organization',
  'github-token',
  'new-tokens-file',
  'revoke-previous',
])

const waits = new Set<OperationName>(['submitInvoice', 'getInvoice', 'updateInvoice'])

function readStates(text: string, problems: string[]): string[] {
  const states = text.split(',').map((state) => state.trim())
  if (text === '') return []
  for (const state of states) {
    if ((invoiceStates as string[]).includes(state)) continue
    const known = suggestion(state, invoiceStates) || `; known: ${invoiceStates.join(', ')}`
    problems.push(`input \`wait-for\`: an invoice is never ${quote(state)}${known}`)
  }
  return states
}

function tokenProblems(token: string): string[] {
  if (token === '') {
    return [
      "input `token` is missing: give the installation's credentials.access_token; is the secret that fills it set?",
    ]
  }
  const problem = tokenProblem(token)
  return problem ? [`input \`token\` ${problem}`] : []
}

const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

function readDestination(text: string, problems: string[]): Destination {
  if (text === 'sandbox') return { sandbox: true }
  const refuse = (reason: string): Destination => {
    problems.push(`input \`api-url\` ${reason}`)
    return { sandbox: true }
  }
  if (!URL.canParse(text)) return refuse('must be a URL such as https://api.vercel.com, or the word sandbox')
  const url = new URL(text)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && loopback.test(url.hostname))) {
    return refuse('must start with https://; http:// is for loopback alone, since the token would travel in clear')
  }
  if (url.username || url.password || url.search || url.hash) {
    return refuse('must be a host and a path alone, without user, query or fragment')
  }
  return { sandbox: false, baseUrl: text }
}
