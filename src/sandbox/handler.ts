// The interface of the sandbox's operations.

import type { SandboxResponse } from './answer.ts'
import type { Records } from './records.ts'

/** A request to an operation. */
export interface Call {
  readonly params: Readonly<Record<string, string>>
  /** The body, checked, with the SDK's field names. */
  // biome-ignore lint/suspicious/noExplicitAny: each handler knows the shape that its operation's schema has let through
  readonly body: any
  readonly records: Records
  readonly now: Date
  /** A new random id such as `inv_5f0c…`. */
  readonly id: (prefix: string, bytes?: number) => string
}

/** Processes a request. It throws a `Refusal` before its first change, because changes are not rolled back. */
export type Handler = (call: Call) => SandboxResponse
