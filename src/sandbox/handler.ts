// What an operation of the sandbox is given and gives.

import type { SandboxResponse } from './answer.ts'
import type { Records } from './records.ts'

export interface Call {
  readonly params: Readonly<Record<string, string>>
  /** As it came, checked. Field names are the SDK's. */
  // biome-ignore lint/suspicious/noExplicitAny: each handler knows the shape that its operation's schema has let through
  readonly body: any
  readonly records: Records
  readonly now: Date
  /** A fresh id such as `inv_5f0c…`. */
  readonly id: (prefix: string, bytes?: number) => string
}

/** Refuses before it puts anything: what was put stays. */
export type Handler = (call: Call) => SandboxResponse
