// The properties that an operation declares. Code elsewhere reads these properties and never compares names of operations.

import type { VercelCore } from '@vercel/sdk/core.js'
import type { FailureCode, Path } from '../failure.ts'
import type { Infer, Schema } from '../payload/schema.ts'

/**
 * The effect of a repeated request:
 * - `idempotent`: none, or the same state again
 * - `idempotency-key`: none if the request has an `externalId`, which Vercel accepts once; otherwise as `unsafe`
 * - `unsafe`: a second effect, such as a second refund
 */
export type RetrySafety = 'idempotent' | 'idempotency-key' | 'unsafe'

export type PathParameter =
  | 'integrationConfigurationId'
  | 'resourceId'
  | 'invoiceId'
  | 'memberId'
  | 'itemId'
  | 'integrationProductIdOrSlug'

export type PathParameters = Readonly<Partial<Record<PathParameter, string>>>

/** One of the SDK's standalone functions. */
// biome-ignore lint/suspicious/noExplicitAny: each takes its own request, which test/operations/sdk-types.ts compares with ours
export type SdkFunction = (client: VercelCore, request: any) => Promise<{ ok: true } | { ok: false; error: unknown }>

/** Reports problems that a schema cannot express, such as those between two fields. Paths are those of the body. */
export interface RuleReporter {
  readonly error: (path: Path, message: string) => void
  readonly warn: (path: Path, message: string) => void
  readonly now: Date
}

/** The token outputs that an operation can set. */
export type TokenOutput = 'accessToken' | 'idToken' | 'refreshToken'

/** The money that an operation moves. */
export interface Money<Body> {
  /** What was done with the sum of a batch's amounts, for its summary: `Billed 12.00`. */
  readonly label: string
  /** What people count, such as `invoice`. */
  readonly noun: string
  /** The amount of one request: a decimal with at least two decimals, in the currency in which the customer is billed. */
  readonly amountOf: (body: Body) => string
  /** Whether a request only tests, so that its amount is not billed. */
  readonly isTest?: (body: Body) => boolean
}

/** The secrets that a request sets, and whether the resource keeps its other ones. */
export interface SecretsChange {
  readonly secrets: readonly { readonly name: string }[]
  readonly partial?: boolean | undefined
}

/** A failure that a 2xx response reports. */
export interface ResponseFailure {
  readonly code: FailureCode
  readonly message: string
  /** What to do. */
  readonly hint?: string
  /** One for each annotation. */
  readonly problems?: readonly string[]
  /** Whether the request may have had its effect all the same. */
  readonly outcomeUnknown?: boolean
}

interface Common<Body, F extends SdkFunction = SdkFunction> {
  /** The API's operation id. */
  readonly id: string
  /** The SDK's method, if the definition has a shorter name of ours. */
  readonly sdkName?: string
  /** Names that people try for it, such as `refundInvoice`. They are suggested, and not accepted. */
  readonly searchedAs?: readonly string[]
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** With its path parameters in braces. */
  readonly path: string
  /** What it does, in a few words for tables. */
  readonly purpose: string
  /** Loads the SDK's function: a chunk of its own. */
  readonly sdkFunction: () => Promise<F>
  /** Checks what the body's schema cannot, after the schema accepted the body. */
  readonly rules?: (body: Body, report: RuleReporter) => void
  /** Checks the valid parts of a body that the schema refuses, so that all problems are reported together. */
  readonly refusals?: (parts: Readonly<Record<string, unknown>>, report: RuleReporter) => void
  /** Set if the request carries no access token. */
  readonly anonymous?: true
  /** The operation that replaces this deprecated one. */
  readonly successor?: string
  /** Set if the API spells the body's fields in snake case. */
  readonly wireCase?: 'snake'
  /** The field of the response that becomes the output `status`, and what it is, for the documentation. */
  readonly statusField?: { readonly name: string; readonly meaning: string }
  /** The output `status` of a successful request, if it is not `accepted`. */
  readonly statusOf?: (body: Body) => string
  /** Set if the operation is about an invoice, so that it has the outputs `invoiceId` and `externalId`. */
  readonly hasInvoice?: true
  /** Set if the response is an invoice. */
  readonly returnsInvoice?: true
  /** The values of `on-duplicate` that make sense. */
  readonly onDuplicate?: readonly ('fail' | 'succeed' | 'send')[]
  /** Set if `wait-for` makes sense. */
  readonly canWait?: true
  readonly money?: Money<Body>
  /** Set if Vercel bills a plan of a resource once in a period: the body has a `period` and `items`. */
  readonly billsPlansOnce?: true
  /** What is wrong although Vercel answered 2xx. */
  readonly failureIn?: (result: unknown, body: Body) => ResponseFailure | undefined
  /** The tokens that a response contains, for the documentation. Set if it contains any. */
  readonly issues?: readonly TokenOutput[]
  /** Set if the new token replaces the one that the request was sent with. */
  readonly rotatesCredential?: true
  /** Why the operation cannot run as a batch. */
  readonly batchProblem?: string
  /**
   * What to do about a record of a batch whose outcome stays unknown, up to the condition under which it is to be sent
   * again: half a sentence. Set if the operation is unsafe to repeat and people run it as a batch.
   */
  readonly unknownRecordAdvice?: string
  /** The secrets of a resource that the request sets, if any. */
  readonly secretsOf?: (body: Body) => SecretsChange | undefined
  /** What to check after a 401 or 403, if it is not the access token. */
  readonly deniedHint?: string
}

/** A response that, to a retry, proves that an earlier attempt arrived. */
export interface ArrivalProof {
  readonly statuses: readonly number[]
  /** What Vercel's code and message must say; a 409 for another reason proves nothing. */
  readonly says?: RegExp
  /** What they must not say, because it is about another thing. */
  readonly saysNot?: RegExp
}

/** The thing that the request creates exists already. */
export const existsAlready: ArrivalProof = {
  statuses: [409],
  says: /already (?:exist|submitted|created|used|taken|present|there|in use|been (?:submitted|created|used))|exists? already|duplicate|(?:not|must be) unique|been (?:submitted|created|used) (?:already|before)/i,
  saysNot: /\b(?:not|nothing) (?:was |been |is )*(?:created|submitted|accepted)/i,
}

/** The thing that the request deletes is gone already. */
export const isGone: ArrivalProof = {
  statuses: [404],
  says: /not found|no longer exists?|does not exist|already deleted|(?:was|been) deleted|\bgone\b/i,
}

interface Provable {
  readonly arrivalProofs?: readonly ArrivalProof[]
}

interface Idempotent extends Provable {
  readonly retry: 'idempotent'
}

/** An operation that is unsafe to repeat must say what to do if the outcome is unknown. */
interface NotIdempotent<Body> extends Provable {
  readonly retry: 'idempotency-key' | 'unsafe'
  /** What to do before the request is sent again: one sentence, without its full stop. */
  readonly unknownOutcomeAdvice: (request: { readonly params: PathParameters; readonly body: Body }) => string
  /** How to find out whether a request arrived after its response was lost. */
  readonly lookUp?: 'refund'
}

type WithBody<S extends Schema, F extends SdkFunction> = Common<Infer<S>, F> &
  (Idempotent | NotIdempotent<Infer<S>>) & { readonly body: S }
type WithoutBody<F extends SdkFunction> = Common<undefined, F> &
  (Idempotent | NotIdempotent<undefined>) & { readonly body?: undefined }

/** Checks a definition, and ties its functions to the type of its body. */
export function operation<const S extends Schema, F extends SdkFunction>(definition: WithBody<S, F>): WithBody<S, F>
export function operation<F extends SdkFunction>(definition: WithoutBody<F>): WithoutBody<F>
export function operation<D>(definition: D): D {
  return definition
}

// biome-ignore lint/suspicious/noExplicitAny: a request's body has been checked against the operation's own schema
type AnyBody = any

/** Any definition, for code that handles all operations. */
export type OperationDefinition = Common<AnyBody> &
  (Idempotent | NotIdempotent<AnyBody>) & { readonly body?: Schema | undefined }
