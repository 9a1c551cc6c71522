import { expect, test } from 'vitest'
import { RefundedInvoices } from '../../../src/batch/records/refunded-invoices.ts'

const named = (installation: string, invoiceId: string) => ({ installation, invoiceId })

test('an invoice that was added more than once is repeated, in its installation', () => {
  const refunds = new RefundedInvoices()
  for (const invoiceId of ['a', 'b', 'c', 'a', 'c', 'c']) refunds.add(named('icfg_1', invoiceId))
  refunds.add(named('icfg_2', 'b'))
  const isRepeated = refunds.repeated()
  expect(['a', 'b', 'c', 'd'].filter((invoiceId) => isRepeated(named('icfg_1', invoiceId)))).toEqual(['a', 'c'])
  expect(isRepeated(named('icfg_2', 'a'))).toBe(false)
})
