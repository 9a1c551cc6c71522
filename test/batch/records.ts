// Records as a batch file has them.

import { KeyHashes } from '../../src/batch/records/key-hashes.ts'
import { type RecordContext, readRecord } from '../../src/batch/records/record.ts'
import { findOperation, type Operation, type OperationName } from '../../src/operations/catalogue.ts'
import { requestShape } from '../../src/operations/request.ts'
import { type CheckSources, newCheck, sentenceOf } from '../payload/checking.ts'

export const recordContext = (name: OperationName, change: Partial<RecordContext> = {}): RecordContext => ({
  shape: requestShape(findOperation(name) as Operation),
  tokens: new Map(),
  defaultToken: 'fallback-token',
  externalId: 'auto',
  ...change,
})

/** Reads one record on line 1. */
export function readOne(
  name: OperationName,
  value: unknown,
  { surroundings = {}, ...change }: Partial<RecordContext> & { surroundings?: CheckSources } = {},
) {
  const check = newCheck(surroundings)
  const record = readRecord(1, value, recordContext(name, change), check)
  return { record, errors: check.errors.map(sentenceOf) }
}

export function keyHashesOf(keys: readonly string[]): KeyHashes {
  const hashes = new KeyHashes()
  for (const key of keys) hashes.add(key)
  return hashes
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
