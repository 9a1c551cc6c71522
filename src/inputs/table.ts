// Every input: one row each. action.yml, the README's table and the documentation are generated from these rows
// (`npm run docs`), and so are parsing, the reason why an input is not used, what it needs and excludes, and what is
// masked. The comment above a row describes the input for them. The file is longer than a page because it is one table.

import type { Operation } from '../operations/operation.ts'
import { type ParameterInput, parameterInputs } from '../operations/request.ts'
import * as parse from './parse.ts'

/** The operation and the inputs that a row is judged by. */
export interface InputUse {
  readonly operation: Operation
  readonly isBatch: boolean
  /** Whether an input is given, and differs from its default. */
  readonly isGiven: (name: string) => boolean
}

export interface InputRow<T = unknown> {
  /** What the runner fills in if the input is not given. */
  readonly default?: string
  readonly required?: true
  readonly parse: parse.Parser<T>
  /** Set if blanks around the text count. */
  readonly keepsBlanks?: true
  /** The secrets in the text, masked before anything is printed. */
  readonly secretsIn?: (text: string) => readonly string[]
  /** Set if mergeJournals uses the input. */
  readonly usedByMerge?: true
  /** Set if the input makes sense in a batch only. */
  readonly onlyInBatch?: true
  /** Why a batch does not use the input. */
  readonly notInBatch?: string
  /** Why an operation does not use the input, if it does not. */
  readonly unusedBy?: (operation: Operation) => string | undefined
  /** Inputs of which at least one must be given beside this one. */
  readonly needs?: readonly string[]
  /** Inputs that cannot be given beside this one. */
  readonly excludes?: readonly string[]
  /** What to give, if the input is missing. */
  readonly missing?: (use: InputUse) => string | undefined
}

const wholeText = (text: string) => [text]

/** The texts of a JSON object, if the text is one; mistakes in it are reported later. */
function jsonTexts(text: string): string[] {
  try {
    return Object.values(JSON.parse(text)).filter((value) => typeof value === 'string')
  } catch {
    return []
  }
}

const invoicesOnly = ({ retry }: Operation) =>
  retry === 'idempotency-key' ? undefined : 'it is for submitInvoice only'
const rotationOnly = ({ rotatesCredential }: Operation) =>
  rotatesCredential ? undefined : 'it is for rotateInstallationCredential'
const waitingOnly = ({ canWait }: Operation) => (canWait ? undefined : 'it is for operations on an invoice')

const pathParameter = (name: ParameterInput) => ({
  parse: parse.pathSegment,
  notInBatch: 'each record of the batch file has its own ids',
  unusedBy: ({ pathParameters }: Operation) =>
    pathParameters.includes(parameterInputs[name]) ? undefined : `its path has no ${parameterInputs[name]}`,
})

export const inputTable = {
  /** The operation: its name in @vercel/sdk (submitInvoice), or its id in the API (submit-invoice). */
  operation: {
    required: true,
    parse: parse.anyText,
    usedByMerge: true,
  },
  /**
   * The request as JSON or YAML. At most 128 KiB, which is what an environment variable holds; use payload-file for a
   * larger one.
   */
  payload: {
    parse: parse.anyText,
    // Blanks count in YAML.
    keepsBlanks: true,
    excludes: ['payload-file'],
  },
  /** Path of a JSON or YAML file with the request, relative to the workspace. Excludes payload. */
  'payload-file': {
    parse: parse.anyText,
  },
  /** The installation's credentials.access_token. Required, except for exchangeSsoToken. */
  token: {
    parse: parse.accessToken,
    secretsIn: wholeText,
    unusedBy: ({ anonymous }) =>
      anonymous ? 'its request carries no token, but the clientSecret of the payload' : undefined,
    missing: ({ operation, isBatch }) =>
      operation.anonymous || isBatch
        ? undefined
        : "give the installation's credentials.access_token; is the secret that fills it set?",
  },
  /** The path parameter integrationConfigurationId: the installation. For ids that come from another step. */
  'installation-id': pathParameter('installation-id'),
  /** The path parameter resourceId: your id of the resource. For ids that come from another step. */
  'resource-id': pathParameter('resource-id'),
  /** The path parameter invoiceId: the invoice. For ids that come from another step. */
  'invoice-id': pathParameter('invoice-id'),
  /** The path parameter memberId: a member of the customer's team. For ids that come from another step. */
  'member-id': pathParameter('member-id'),
  /**
   * Base URL of the API (https, or http on loopback), or the word sandbox for the Marketplace that is built into the
   * action.
   */
  'api-url': {
    default: 'https://api.vercel.com',
    parse: parse.destination,
  },
  /** Check everything, send nothing, and show the request without its secrets. */
  'dry-run': {
    default: 'false',
    parse: parse.trueOrFalse,
  },
  /** Write the job summary. */
  summary: {
    default: 'true',
    parse: parse.trueOrFalse,
    usedByMerge: true,
  },
  /**
   * How many attempts a request may take. Requests that are unsafe to repeat are never retried, regardless of this
   * value.
   */
  'max-attempts': {
    default: '5',
    parse: parse.positiveInteger,
  },
  /** Seconds that one attempt may take. */
  'attempt-timeout': {
    default: '30',
    parse: parse.seconds,
  },
  /** Seconds that all attempts of a request, and the waits between them, may take. */
  'retry-timeout': {
    default: '300',
    parse: parse.seconds,
  },
  /**
   * Send nothing if the request moves more money than this: a decimal. For invoices, refunds and billing data. No
   * limit by default.
   */
  'max-amount': {
    parse: parse.amount,
    notInBatch: 'a batch has no limit of amounts yet',
    unusedBy: ({ money }) => (money ? undefined : 'its requests move no money'),
  },
  /** Treat the warnings of the check as errors: nothing is sent. */
  'fail-on-warning': {
    default: 'false',
    parse: parse.trueOrFalse,
  },
  /** Send the request only if its digest is this one, which a dry run has put out. */
  'expect-digest': {
    parse: parse.digest,
    notInBatch: 'a batch has no digest yet',
  },
  /**
   * submitInvoice only. auto derives an externalId from the invoice if the payload has none; none leaves it out; any
   * other text is used as it is.
   */
  'external-id': {
    default: 'auto',
    parse: parse.anyText,
    unusedBy: invoicesOnly,
  },
  /**
   * Invoices: fail or succeed if the invoice was already submitted. Refunds: fail, succeed, or send if the invoice
   * already shows a refund with the same reason.
   */
  'on-duplicate': {
    default: 'fail',
    parse: parse.choiceOf(['fail', 'succeed', 'send']),
    unusedBy: ({ onDuplicate }) => (onDuplicate ? undefined : 'it is for invoices and refunds'),
  },
  /** Operations on an invoice only. Wait until the invoice is in one of these states, separated by commas. */
  'wait-for': {
    parse: parse.states,
    notInBatch: 'a batch does not wait; read the invoices in a later step',
    unusedBy: waitingOnly,
  },
  /** Seconds to wait for the state. */
  'wait-timeout': {
    default: '600',
    parse: parse.seconds,
    needs: ['wait-for'],
  },
  /** Polling interval in seconds. */
  'wait-interval': {
    default: '10',
    parse: parse.seconds,
    needs: ['wait-for'],
  },
  /**
   * Path of an NDJSON file with one request per line, all for the same operation. Excludes payload and payload-file.
   */
  'batch-file': {
    parse: parse.anyText,
    excludes: ['payload', 'payload-file'],
  },
  /** Batches only. Access tokens of many installations, as a JSON object of installation id and token. */
  tokens: {
    parse: parse.anyText,
    secretsIn: (text) => [text, ...jsonTexts(text)],
    onlyInBatch: true,
    excludes: ['tokens-file'],
  },
  /** Batches only. Path of a file with the same, if it is larger than a secret allows (48 KB). Excludes tokens. */
  'tokens-file': {
    parse: parse.anyText,
    onlyInBatch: true,
  },
  /** Batches only. How many requests may be in flight at once. */
  concurrency: {
    default: '16',
    parse: parse.positiveInteger,
    onlyInBatch: true,
  },
  /**
   * Batches only. i/n takes the i-th of n parts of the batch, split by installation, so that n jobs cover it exactly
   * once.
   */
  shard: {
    default: '1/1',
    parse: parse.shard,
    onlyInBatch: true,
  },
  /**
   * Batches: the journal of requests and results; an existing one is resumed. A file in RUNNER_TEMP by default.
   * mergeJournals: the journals, one path or glob per line.
   */
  'journal-file': {
    parse: parse.anyText,
    usedByMerge: true,
    onlyInBatch: true,
  },
  /** Batches only. Start no more records after this many have failed. No limit by default. */
  'max-failures': {
    parse: parse.positiveInteger,
    onlyInBatch: true,
  },
  /** rotateInstallationCredential only. Name of the GitHub Actions secret in which to store the new token. */
  'store-secret': {
    parse: parse.secretName,
    notInBatch: 'it is for one installation; a batch stores its tokens in `new-tokens-file`',
    unusedBy: rotationOnly,
  },
  /** The environment of the secret, unless it is a repository secret. */
  'store-secret-environment': {
    parse: parse.anyText,
    unusedBy: rotationOnly,
    needs: ['store-secret'],
    excludes: ['store-secret-organization'],
  },
  /** The organisation of the secret, unless it is a repository secret. */
  'store-secret-organization': {
    parse: parse.anyText,
    unusedBy: rotationOnly,
    needs: ['store-secret'],
  },
  /** A token that may write the secret. The workflow's own GITHUB_TOKEN cannot. */
  'github-token': {
    parse: parse.anyText,
    secretsIn: wholeText,
    unusedBy: rotationOnly,
    needs: ['store-secret'],
    missing: ({ isGiven }) =>
      isGiven('store-secret') ? '`store-secret` needs a token that may write the secret' : undefined,
  },
  /** rotateInstallationCredential in a batch only. The file to which the new tokens are written, as a JSON object. */
  'new-tokens-file': {
    parse: parse.anyText,
    onlyInBatch: true,
    unusedBy: rotationOnly,
    missing: ({ operation, isBatch }) =>
      isBatch && operation.rotatesCredential ? 'a batch of rotations needs a file for the new tokens' : undefined,
  },
  /** With store-secret or new-tokens-file: revoke the old token once the new one is verified and stored. */
  'revoke-previous': {
    default: 'false',
    parse: parse.trueOrFalse,
    unusedBy: rotationOnly,
    needs: ['store-secret', 'new-tokens-file'],
  },
} as const satisfies Record<string, InputRow>

export type InputName = keyof typeof inputTable

export const inputNames = Object.keys(inputTable) as InputName[]

/** The row of an input, for code that handles all of them. */
export const rowOf = (name: InputName): InputRow => inputTable[name]

type ValueOf<Row> = Row extends { readonly parse: parse.Parser<infer T> }
  ? Row extends { readonly default: string } | { readonly required: true }
    ? T
    : T | undefined
  : never

/** The value of each input; undefined if it is not given and has no default. */
export type InputValues = { readonly [Name in InputName]: ValueOf<(typeof inputTable)[Name]> }
