// What action.yml declares, read once and typed. Here and in report/ alone the runner is known.

import { getInput } from '@actions/core'
import type { Limits } from './delivery/deliver.ts'
import { invoiceStates } from './delivery/invoice-state.ts'
import type { OnDuplicate } from './delivery/settle.ts'
import type { Wait } from './delivery/wait-for.ts'
import { Failure } from './failure.ts'
import { findOperation, namesOf, type Operation, type OperationName, operations } from './operations/catalogue.ts'
import { type ParameterInput, parameterInputs } from './operations/request.ts'
import { nearest, secretProblem, segmentProblem, suggestion } from './payload/check.ts'
import { quote } from './payload/problem.ts'

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
} as const

export type InputName = keyof typeof defaults

/** Where requests go. */
export type Destination = { readonly sandbox: true } | { readonly sandbox: false; readonly baseUrl: string }

export interface Inputs {
  readonly operation: Operation
  readonly payload: string | undefined
  readonly payloadFile: string | undefined
  readonly token: string | undefined
  readonly parameters: Readonly<Partial<Record<ParameterInput, string>>>
  readonly destination: Destination
  readonly dryRun: boolean
  readonly limits: Limits
  /** `auto`, `none`, or the key itself. */
  readonly externalId: string
  readonly onDuplicate: OnDuplicate
  readonly wait: Wait | undefined
}

/** The values that may be secret, read before anything else so that they can be masked before anything is printed. */
export const readSecrets = (): string[] => [read('token')].filter((value) => value !== '')

/** Whether to write the job summary: asked for on its own, since a step that fails early writes one too. */
export const wantsSummary = (): boolean => read('summary').toLowerCase() !== 'false'

/**
 * Reads the inputs of a step.
 *
 * @param step  learns the operation as soon as it is known, since a failure is reported under its name
 * @throws {Failure} with everything that is wrong with the inputs
 */
export function readInputs(step: { operation?: Operation }): Inputs {
  const operation = readOperation()
  step.operation = operation
  const problems: string[] = []
  const given = (name: InputName) => !isDefault(name)
  const value = (name: InputName) => (given(name) ? read(name) : undefined)

  for (const name of Object.keys(defaults) as InputName[]) {
    const reason = given(name) && whyUnused(name, operation)
    if (reason) problems.push(`input \`${name}\` is not used by ${operation.sdkName}: ${reason}`)
  }
  if (given('payload') && given('payload-file')) {
    problems.push('inputs `payload` and `payload-file` exclude each other: give one of the two')
  }
  if (!operation.anonymous) problems.push(...tokenProblems(read('token')))
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
  if (problems.length > 0) throw refused(problems)

  return {
    operation,
    // Blanks count in YAML.
    payload: given('payload') ? read('payload', { trim: false }) : undefined,
    payloadFile: value('payload-file'),
    token: value('token'),
    parameters,
    destination,
    dryRun,
    limits,
    externalId: read('external-id') || defaults['external-id'],
    onDuplicate: onDuplicate as OnDuplicate,
    wait: states.length > 0 ? { states, timeoutMs: timeout * 1000, intervalMs: interval * 1000 } : undefined,
  }
}

const read = (name: InputName, { trim = true } = {}) => getInput(name, { trimWhitespace: trim })

/** The runner fills in defaults, so that an input that was left out cannot be told from one that repeats its default. */
const isDefault = (name: InputName) => ['', defaults[name]].includes(read(name))

const refused = (problems: readonly string[]) =>
  new Failure('invalid_input', problems.join('\n'), { findings: problems.map((message) => ({ message })) })

function readOperation(): Operation {
  const name = read('operation')
  const operation = findOperation(name)
  if (operation) return operation

  const near = nearest(name, operations.flatMap(namesOf))
  const known = operations.map((operation) => operation.name).join(', ')
  const message =
    name === '' ? 'input `operation` is missing' : `there is no operation ${JSON.stringify(name.slice(0, 80))}`
  throw new Failure(
    'unknown_operation',
    `${message}${near && name !== '' ? `; did you mean \`${near}\`?` : ''} Known: ${known}`,
  )
}

/** Why an operation has no use for an input, if it has none. */
function whyUnused(name: InputName, operation: Operation): string | undefined {
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
  const problem = secretProblem(token)
  if (problem) return [`input \`token\` ${problem}`]
  return /^[\x21-\x7e]+$/.test(token) ? [] : ['input `token` holds a blank or a character that no token has']
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
