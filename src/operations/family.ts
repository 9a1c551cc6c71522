// Where each family's file is.

import type { Family, OperationName } from './catalogue.ts'
import type { Description } from './definition.ts'

/** The families' files, each a chunk of its own. */
export const families: Record<Family, () => Promise<{ descriptions: Partial<Record<OperationName, Description>> }>> = {
  installation: () => import('./installation.ts'),
  resources: () => import('./resources.ts'),
  billing: () => import('./billing.ts'),
  sso: () => import('./sso.ts'),
  experimentation: () => import('./experimentation.ts'),
}
