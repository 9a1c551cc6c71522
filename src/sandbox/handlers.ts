// What each operation does in the sandbox. A request comes here once it is known to be well-formed.

import type { OperationName } from '../operations/catalogue.ts'
import type { Answer } from './answer.ts'
import { billing } from './billing.ts'
import { credentials } from './credentials.ts'
import type { Records } from './installation.ts'
import { resources } from './resources.ts'

export interface Call {
  readonly params: Readonly<Record<string, string>>
  /** As it came, checked. Field names are the SDK's. */
  // biome-ignore lint/suspicious/noExplicitAny: each handler knows the shape that its operation's schema has let through
  readonly body: any
  readonly records: Records
  /** The token that the request carries. */
  readonly token: string
  readonly now: Date
  /** A fresh id such as `inv_5f0c…`. */
  readonly id: (prefix: string, bytes?: number) => string
}

export type Handler = (call: Call) => Answer

export const handlers: Record<OperationName, Handler> = { ...credentials, ...resources, ...billing }
