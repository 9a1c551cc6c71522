// The table of inputs. action.yml, the README's table and the documentation are generated from its rows
// (`npm run docs`); the comment above a row describes the input for people. The rows also define how an input is parsed,
// when it is used, which inputs it needs and excludes, and what is masked. The file is longer than a page because it is
// one table.

import type { Operation } from '../operations/operation.ts'
import { type ParameterInput, parameterInputs } from '../operations/request.ts'
import { secretsInKey } from '../payload/age-format.ts'
import * as parse from './parse.ts'

/** What decides whether an input is used or missing. */
export interface InputUse {
  readonly operation: Operation
  readonly isBatch: boolean
  /** Whether an input is given and differs from its default. */
  readonly isGiven: (name: string) => boolean
}

export interface InputRow<T = unknown> {
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
  /** Set if trackInvoices uses the input. */
  readonly usedByTracking?: true
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
const onlyMoney = ({ money }: Operation) => (money ? undefined : 'its requests move no money')
const onlyWaiting = ({ canWait }: Operation) => (canWait ? undefined : 'it is for operations on an invoice')

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
    usedByTracking: true,
  },
  /**
   * The request as JSON or YAML. At most what an environment variable holds: 128 KiB on Linux, 32,767 characters on
   * Windows, and 1 MiB for all variables together on macOS; use payload-file for a larger one.
   */
  payload: {
    parse: parse.anyText,
    // In YAML the indentation matters.
    keepsBlanks: true,
    excludes: ['payload-file'],
  },
  /**
   * Path of a JSON or YAML file with the request, relative to the workspace. It may be encrypted with age: then give
   * tokens-key. Excludes payload.
   */
  'payload-file': {
    parse: parse.anyText,
  },
  /** The installation's credentials.access_token. Required, except for exchangeSsoToken. */
  token: {
    parse: parse.accessToken,
    usedByTracking: true,
    secretsIn: wholeText,
    unusedBy: ({ anonymous }) =>
      anonymous ? 'its request carries no token, but the clientSecret of the payload' : undefined,
    missing: ({ operation, isBatch }) =>
      operation.anonymous || isBatch
        ? undefined
        : "give the installation's credentials.access_token, and check that the secret it comes from is set",
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
    usedByTracking: true,
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
    usedByTracking: true,
  },
  /**
   * How many attempts a request may take. Requests that are unsafe to repeat are never retried, regardless of this
   * value.
   */
  'max-attempts': {
    default: '5',
    parse: parse.positiveInteger,
    usedByTracking: true,
  },
  /** Seconds that one attempt may take. */
  'attempt-timeout': {
    default: '30',
    parse: parse.seconds,
    usedByTracking: true,
  },
  /**
   * Seconds that all attempts of a request, and the waits between them, may take. In a batch, waits for a rate limit do not
   * count; each rate limit or outage may last this long.
   */
  'retry-timeout': {
    default: '300',
    parse: parse.seconds,
    usedByTracking: true,
  },
  /**
   * Send nothing if the request, or any record of the batch, is about more money than this: a decimal. For invoices,
   * refunds and billing data. No limit by default.
   */
  'max-amount': {
    parse: parse.amount,
    unusedBy: onlyMoney,
  },
  /**
   * Batches only. Send nothing if the whole file, with all its shards, is about more money than this: a decimal. No limit
   * by default.
   */
  'max-total': {
    parse: parse.amount,
    onlyInBatch: true,
    unusedBy: onlyMoney,
  },
  /**
   * Batches only. The journals of an earlier batch of the same operation, one path or glob per line, relative to the
   * workspace. The plan shows what changed, by installation.
   */
  'compare-with': {
    parse: parse.nonBlankLines,
    onlyInBatch: true,
    unusedBy: onlyMoney,
  },
  /**
   * With compare-with: send nothing if the amount of an installation differs by more than this many percent. New and
   * missing installations are shown, and not refused.
   */
  'max-change': {
    parse: parse.percentage,
    onlyInBatch: true,
    unusedBy: onlyMoney,
    needs: ['compare-with'],
  },
  /** Treat the warnings of the check as errors: nothing is sent. */
  'fail-on-warning': {
    default: 'false',
    parse: parse.trueOrFalse,
  },
  /** Send the request or the batch only if its digest is this one, which a dry run has shown. */
  'expect-digest': {
    parse: parse.digest,
  },
  /**
   * Batches, mergeJournals and trackInvoices: the path of a table with one row per record, as CSV, or as NDJSON if the
   * path ends with .ndjson or .jsonl. Relative to the workspace.
   */
  'report-file': {
    parse: parse.anyText,
    usedByMerge: true,
    usedByTracking: true,
    onlyInBatch: true,
  },
  /**
   * submitInvoice only. `auto` derives an externalId from the invoice if the payload does not set it; `none` leaves it out;
   * any other text is used as it is.
   */
  'external-id': {
    default: 'auto',
    parse: parse.externalId,
    unusedBy: onlySubmitInvoice,
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
  /**
   * Batches only. fail or skip records whose installation or resource no longer exists (410). A skipped record does not
   * fail the batch, and is not sent again.
   */
  'on-gone': {
    default: 'fail',
    parse: parse.choiceOf(['fail', 'skip']),
    onlyInBatch: true,
  },
  /**
   * Operations on an invoice, and trackInvoices. Wait until the invoice, or each invoice, is in one of these states,
   * separated by commas.
   */
  'wait-for': {
    parse: parse.states,
    usedByTracking: true,
    notInBatch: 'a batch does not wait; read the invoices in a later step',
    unusedBy: onlyWaiting,
  },
  /**
   * trackInvoices only. Fail if an invoice is in one of these states, separated by commas; unknown stands for records
   * without an invoice id.
   */
  'fail-on': {
    parse: parse.trackedStates,
    usedByTracking: true,
    unusedBy: () => 'it is for trackInvoices',
  },
  /** Seconds to wait for the state. */
  'wait-timeout': {
    default: '600',
    parse: parse.seconds,
    usedByTracking: true,
    needs: ['wait-for'],
  },
  /** Polling interval in seconds. */
  'wait-interval': {
    default: '10',
    parse: parse.seconds,
    usedByTracking: true,
    needs: ['wait-for'],
  },
  /**
   * Path of an NDJSON file with one request per line, all for the same operation, relative to the workspace. It may be
   * encrypted with age: then give tokens-key. Excludes payload and payload-file.
   */
  'batch-file': {
    parse: parse.anyText,
    excludes: ['payload', 'payload-file'],
  },
  /**
   * Batches and trackInvoices. Access tokens of many installations, as a JSON object of installation id and token. A secret
   * holds 48 KB, and an input on Windows 32,767 characters; use tokens-file for more.
   */
  tokens: {
    parse: parse.anyText,
    usedByTracking: true,
    secretsIn: (text) => [text, ...jsonStrings(text)],
    onlyInBatch: true,
    excludes: ['tokens-file'],
  },
  /**
   * Path of a file with the same as tokens, for any number of them, relative to the workspace. It may be encrypted with age:
   * then give tokens-key. Excludes tokens.
   */
  'tokens-file': {
    parse: parse.anyText,
    usedByTracking: true,
    onlyInBatch: true,
  },
  /**
   * The key (AGE-SECRET-KEY-1…, one or more lines, as age-keygen writes them) that opens encrypted files: tokens-file,
   * batch-file, payload-file and new-tokens-file, which is encrypted with it too.
   */
  'tokens-key': {
    // Checked when it is used: few steps have one.
    parse: parse.anyText,
    usedByTracking: true,
    secretsIn: secretsInKey,
    needs: ['payload-file', 'batch-file', 'tokens-file'],
  },
  /** Batches and trackInvoices. How many requests may be in flight at once. */
  concurrency: {
    default: '16',
    parse: parse.positiveInteger,
    usedByTracking: true,
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
   * mergeJournals and trackInvoices: the journals, one path or glob per line. Paths are relative to the workspace.
   */
  'journal-file': {
    parse: parse.anyText,
    usedByMerge: true,
    usedByTracking: true,
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
    unusedBy: onlyRotation,
  },
  /** The environment of the secret, unless it is a repository secret. */
  'store-secret-environment': {
    parse: parse.anyText,
    unusedBy: onlyRotation,
    needs: ['store-secret'],
    excludes: ['store-secret-organization'],
  },
  /** The organisation of the secret, unless it is a repository secret. */
  'store-secret-organization': {
    parse: parse.anyText,
    unusedBy: onlyRotation,
    needs: ['store-secret'],
  },
  /** A token that may write the secret. The workflow's own GITHUB_TOKEN cannot. */
  'github-token': {
    parse: parse.anyText,
    secretsIn: wholeText,
    unusedBy: onlyRotation,
    needs: ['store-secret'],
    missing: ({ isGiven }) =>
      isGiven('store-secret') ? '`store-secret` needs a token that may write the secret' : undefined,
  },
  /**
   * rotateInstallationCredential in a batch only. Path of the file to which the new tokens are written, as a JSON object,
   * relative to the workspace; with tokens-key it is encrypted. Keep it with the journal.
   */
  'new-tokens-file': {
    parse: parse.anyText,
    onlyInBatch: true,
    unusedBy: onlyRotation,
    missing: ({ operation, isBatch }) =>
      isBatch && operation.rotatesCredential ? 'a batch of rotations needs a file for the new tokens' : undefined,
  },
  /** With store-secret or new-tokens-file: revoke the old token once the new one is verified and stored. */
  'revoke-previous': {
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
