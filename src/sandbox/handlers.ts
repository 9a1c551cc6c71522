// What each operation does in the sandbox. A request comes here once it is known to be well-formed.

import type { OperationName } from '../operations/catalogue.ts'
import type { Answer } from './answer.ts'
import { billing } from './billing.ts'
import { credentials } from './credentials.ts'
import { experimentation } from './experimentation.ts'
import type { Records } from './records.ts'
import { resources } from './resources.ts'

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
export type Handler = (call: Call) => Answer

export const handlers: Record<OperationName, Handler> = {
  ...credentials,
  ...resources,
  ...experimentation,
  ...billing,
}
