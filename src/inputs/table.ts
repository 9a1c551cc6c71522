// The table of inputs. action.yml, the README's table and the documentation are generated from its rows
// (`npm run docs`). The rows also define how an input is parsed, when it is used, which inputs it needs and excludes,
// and what is masked. The file is longer than a page because it is one table.

import type { Operation } from '../operations/catalogue.ts'
import { type ParameterInput, parameterInputs } from '../operations/request.ts'
import * as parse from './parse.ts'

/** What decides whether an input is used or missing. */
export interface InputUse {
  readonly operation: Operation
  readonly isBatch: boolean
  /** Whether an input is given and differs from its default. */
  readonly isGiven: (name: string) => boolean
}

export interface InputRow<T = unknown> {
  /** One or two sentences for action.yml and the README. */
  readonly description: string
  /** The value that the runner sets if the input is not given. */
  readonly default?: string
  readonly required?: true
  readonly parse: parse.Parser<T>
  /** Set if the text is not trimmed. */
  readonly keepsBlanks?: true
  /** The secrets in the text, which are masked before anything is printed. */
  readonly secretsIn?: (text: string) => readonly string[]
  /** Set if mergeJournals uses the input. */
  readonly usedByMerge?: true
  /** Set if only a batch uses the input. */
  readonly onlyInBatch?: true
  /** Why a batch does not use the input: a clause for the message. */
  readonly notInBatch?: string
  /** Why an operation does not use the input: a clause for the message; undefined if it uses it. */
  readonly unusedBy?: (operation: Operation) => string | undefined
  /** At least one of these inputs must be given too. */
  readonly needs?: readonly string[]
  /** None of these inputs may be given too. */
  readonly excludes?: readonly string[]
  /** What to give: a clause for the message if the input must be given; otherwise undefined. */
  readonly missing?: (use: InputUse) => string | undefined
}

const wholeText = (text: string) => [text]

/** The strings in a JSON object; none if the text is not valid JSON, which is reported later. */
function jsonStrings(text: string): string[] {
  try {
    return Object.values(JSON.parse(text)).filter((value) => typeof value === 'string')
  } catch {
    return []
  }
}

const onlySubmitInvoice = ({ retry }: Operation) =>
  retry === 'idempotency-key' ? undefined : 'it is for submitInvoice only'
const onlyRotation = ({ rotatesCredential }: Operation) =>
  rotatesCredential ? undefined : 'it is for rotateInstallationCredential'
const onlyWaiting = ({ canWait }: Operation) =>
  canWait ? undefined : 'it is for operations on invoices: submitInvoice, getInvoice, updateInvoice'

const pathParameter = (name: ParameterInput, meaning: string) => ({
  description: `The path parameter ${parameterInputs[name]}: ${meaning}. For ids that come from another step.`,
  parse: parse.pathSegment,
  notInBatch: 'each record of the batch file has its own ids',
  unusedBy: ({ pathParameters }: Operation) =>
    pathParameters.includes(parameterInputs[name]) ? undefined : `its path has no ${parameterInputs[name]}`,
})

export const inputTable = {
  operation: {
    description: 'The operation: its name in @vercel/sdk (submitInvoice), or its id in the API (submit-invoice).',
    required: true,
    parse: parse.anyText,
    usedByMerge: true,
  },
  payload: {
    description:
      'The request as JSON or YAML. At most 128 KiB, which is what an environment variable holds; use payload-file for a larger one.',
    parse: parse.anyText,
    // In YAML the indentation matters.
    keepsBlanks: true,
    excludes: ['payload-file'],
  },
  'payload-file': {
    description: 'Path of a JSON or YAML file with the request, relative to the workspace. Excludes payload.',
    parse: parse.anyText,
  },
  token: {
    description: "The installation's credentials.access_token. Required, except for exchangeSsoToken.",
    parse: parse.accessToken,
    secretsIn: wholeText,
    unusedBy: ({ anonymous }) =>
      anonymous ? 'its request carries no token, but the clientSecret of the payload' : undefined,
    missing: ({ operation, isBatch }) =>
      operation.anonymous || isBatch
        ? undefined
        : "give the installation's credentials.access_token, and check that the secret it comes from is set",
  },
  'installation-id': pathParameter('installation-id', 'the installation'),
  'resource-id': pathParameter('resource-id', 'your id of the resource'),
  'invoice-id': pathParameter('invoice-id', 'the invoice'),
  'member-id': pathParameter('member-id', "a member of the customer's team"),
  'api-url': {
    description:
      'Base URL of the API (https, or http on loopback), or the word sandbox for the Marketplace that is built into the action.',
    default: 'https://api.vercel.com',
    parse: parse.destination,
  },
  'dry-run': {
    description: 'Check everything, send nothing, and show the request without its secrets.',
    default: 'false',
    parse: parse.trueOrFalse,
  },
  summary: {
    description: 'Write the job summary.',
    default: 'true',
    parse: parse.trueOrFalse,
    usedByMerge: true,
  },
  'max-attempts': {
    description:
      'How many attempts a request may take. Requests that are unsafe to repeat are never retried, regardless of this value.',
    default: '5',
    parse: parse.positiveInteger,
  },
  'attempt-timeout': {
    description: 'Seconds that one attempt may take.',
    default: '30',
    parse: parse.seconds,
  },
  'retry-timeout': {
    description: 'Seconds that all attempts of a request, and the waits between them, may take.',
    default: '300',
    parse: parse.seconds,
  },
  'max-amount': {
    description:
      'Send nothing if the request moves more money than this: a decimal. For submitInvoice, submitBillingData and updateInvoice. No limit by default.',
    parse: parse.amount,
    notInBatch: 'a batch has no limit of amounts yet',
    unusedBy: ({ money }) => (money ? undefined : 'its requests move no money'),
  },
  'fail-on-warning': {
    description: 'Treat the warnings of the check as errors: nothing is sent.',
    default: 'false',
    parse: parse.trueOrFalse,
  },
  'expect-digest': {
    description: 'Send the request only if its digest is this one, which a dry run has put out.',
    parse: parse.digest,
    notInBatch: 'a batch has no digest yet',
  },
  'external-id': {
    description:
      'submitInvoice only. auto derives an externalId from the invoice if the payload has none; none leaves it out; any other text is used as it is.',
    default: 'auto',
    parse: parse.anyText,
    unusedBy: onlySubmitInvoice,
  },
  'on-duplicate': {
    description:
      'submitInvoice: fail or succeed if the invoice was already submitted. updateInvoice: fail, succeed, or send if the invoice already shows a refund with the same reason.',
    default: 'fail',
    parse: parse.choiceOf(['fail', 'succeed', 'send']),
    unusedBy: ({ onDuplicate }) => (onDuplicate ? undefined : 'it is for submitInvoice and updateInvoice'),
  },
  'wait-for': {
    description:
      'submitInvoice, getInvoice and updateInvoice. Wait until the invoice is in one of these states, separated by commas.',
    parse: parse.states,
    notInBatch: 'a batch does not wait; read the invoices in a later step',
    unusedBy: onlyWaiting,
  },
  'wait-timeout': {
    description: 'Seconds to wait for the state.',
    default: '600',
    parse: parse.seconds,
    needs: ['wait-for'],
  },
  'wait-interval': {
    description: 'Polling interval in seconds.',
    default: '10',
    parse: parse.seconds,
    needs: ['wait-for'],
  },
  'batch-file': {
    description:
      'Path of an NDJSON file with one request per line, all for the same operation. Excludes payload and payload-file.',
    parse: parse.anyText,
    excludes: ['payload', 'payload-file'],
  },
  tokens: {
    description: 'Batches only. Access tokens of many installations, as a JSON object of installation id and token.',
    parse: parse.anyText,
    secretsIn: (text) => [text, ...jsonStrings(text)],
    onlyInBatch: true,
    excludes: ['tokens-file'],
  },
  'tokens-file': {
    description:
      'Batches only. Path of a file with the same, if it is larger than a secret allows (48 KB). Excludes tokens.',
    parse: parse.anyText,
    onlyInBatch: true,
  },
  concurrency: {
    description: 'Batches only. How many requests may be in flight at once.',
    default: '16',
    parse: parse.positiveInteger,
    onlyInBatch: true,
  },
  shard: {
    description:
      'Batches only. i/n takes the i-th of n parts of the batch, split by installation, so that n jobs cover it exactly once.',
    default: '1/1',
    parse: parse.shard,
    onlyInBatch: true,
  },
  'journal-file': {
    description:
      'Batches: the journal of requests and results; an existing one is resumed. A file in RUNNER_TEMP by default. mergeJournals: the journals, one path or glob per line.',
    parse: parse.anyText,
    usedByMerge: true,
    onlyInBatch: true,
  },
  'max-failures': {
    description: 'Batches only. Start no more records after this many have failed. No limit by default.',
    parse: parse.positiveInteger,
    onlyInBatch: true,
  },
  'store-secret': {
    description:
      'rotateInstallationCredential only. Name of the GitHub Actions secret in which to store the new token.',
    parse: parse.secretName,
    notInBatch: 'it is for one installation; a batch stores its tokens in `new-tokens-file`',
    unusedBy: onlyRotation,
  },
  'store-secret-environment': {
    description: 'The environment of the secret, unless it is a repository secret.',
    parse: parse.anyText,
    unusedBy: onlyRotation,
    needs: ['store-secret'],
    excludes: ['store-secret-organization'],
  },
  'store-secret-organization': {
    description: 'The organisation of the secret, unless it is a repository secret.',
    parse: parse.anyText,
    unusedBy: onlyRotation,
    needs: ['store-secret'],
  },
  'github-token': {
    description: "A token that may write the secret. The workflow's own GITHUB_TOKEN cannot.",
    parse: parse.anyText,
    secretsIn: wholeText,
    unusedBy: onlyRotation,
    needs: ['store-secret'],
    missing: ({ isGiven }) =>
      isGiven('store-secret') ? '`store-secret` needs a token that may write the secret' : undefined,
  },
  'new-tokens-file': {
    description:
      'rotateInstallationCredential in a batch only. The file to which the new tokens are written, as a JSON object.',
    parse: parse.anyText,
    onlyInBatch: true,
    unusedBy: onlyRotation,
    missing: ({ operation, isBatch }) =>
      isBatch && operation.rotatesCredential ? 'a batch of rotations needs a file for the new tokens' : undefined,
  },
  'revoke-previous': {
    description: 'With store-secret or new-tokens-file: revoke the old token once the new one is verified and stored.',
    default: 'false',
    parse: parse.trueOrFalse,
    unusedBy: onlyRotation,
    needs: ['store-secret', 'new-tokens-file'],
  },
} as const satisfies Record<string, InputRow>

export type InputName = keyof typeof inputTable

export const inputNames = Object.keys(inputTable) as InputName[]

/** The row of an input, for code that handles all inputs alike. */
export const rowOf = (name: InputName): InputRow => inputTable[name]

type ValueOf<Row> = Row extends { readonly parse: parse.Parser<infer T> }
  ? Row extends { readonly default: string } | { readonly required: true }
    ? T
    : T | undefined
  : never

/** The parsed value of each input; undefined if the input is not given and has no default. */
export type InputValues = { readonly [Name in InputName]: ValueOf<(typeof inputTable)[Name]> }
