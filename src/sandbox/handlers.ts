// The handler of each operation of the sandbox. It receives only valid requests.

import type { OperationName } from '../operations/operation.ts'
import { billing } from './billing.ts'
import { credentials } from './credentials.ts'
import { experimentation } from './experimentation.ts'
import type { Handler } from './handler.ts'
import { resources } from './resources.ts'

/** A handler for each operation. */
export const handlers: Record<OperationName, Handler> = {
  ...credentials,
  ...resources,
  ...experimentation,
  ...billing,
}
