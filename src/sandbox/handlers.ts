// What each operation does in the sandbox. A request comes here once it is known to be well-formed.

import type { OperationName } from '../operations/operation.ts'
import { billing } from './billing.ts'
import { credentials } from './credentials.ts'
import { experimentation } from './experimentation.ts'
import type { Handler } from './handler.ts'
import { resources } from './resources.ts'

export const handlers: Record<OperationName, Handler> = {
  ...credentials,
  ...resources,
  ...experimentation,
  ...billing,
}
