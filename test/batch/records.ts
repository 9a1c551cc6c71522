// Records as lines of a batch file give them.

import { type RecordContext, readRecord } from '../../src/batch/records/record.ts'
import { findOperation, type Operation, type OperationName } from '../../src/operations/catalogue.ts'
import { requestShape } from '../../src/operations/request.ts'
import { type CheckSources, newCheck, sentenceOf } from '../payload/checking.ts'

export const readingOf = async (name: OperationName, change: Partial<RecordContext> = {}): Promise<RecordContext> => ({
  shape: requestShape(findOperation(name) as Operation),
  tokens: new Map(),
  defaultToken: 'fallback-token',
  externalId: 'auto',
  ...change,
})

/** Reads a record by itself. */
export async function read(
  name: OperationName,
  value: unknown,
  { surroundings = {}, ...change }: Partial<RecordContext> & { surroundings?: CheckSources } = {},
) {
  const context = newCheck(surroundings)
  const record = readRecord(1, value, await readingOf(name, change), context)
  return { record, errors: context.errors.map(sentenceOf) }
}

export const invoice = {
  integrationConfigurationId: 'icfg_1',
  invoiceDate: '2025-03-15T00:00:00Z',
  period: { start: '2025-03-01T00:00:00Z', end: '2025-04-01T00:00:00Z' },
  items: [{ billingPlanId: 'pro', name: 'Storage', price: '1.50', quantity: 2, units: 'GB', total: '3.00' }],
}

export const refund = {
  integrationConfigurationId: 'icfg_1',
  invoiceId: 'inv_1',
  action: 'refund',
  reason: 'r',
  total: '1.00',
}
