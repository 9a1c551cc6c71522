// The rows of a report.

import { describe, expect, test } from 'vitest'
import { columnsOf, journaledRow, unsentRow } from '../../../src/batch/report/rows.ts'
import { findOperation, type Operation, type OperationName } from '../../../src/operations/catalogue.ts'
import { sent, succeeded } from '../journals.ts'
import { invoice, readOne, refund } from '../records.ts'

test.each<[OperationName, columns: string]>([
  ['submitInvoice', 'line id installation externalId invoiceId status amount at code message httpStatus requestId'],
  ['updateInvoice', 'line id installation invoiceId status amount at code message httpStatus requestId'],
  ['getInvoice', 'line id installation invoiceId status at code message httpStatus requestId'],
  ['submitBillingData', 'line id installation status amount at code message httpStatus requestId'],
  ['getAccountInfo', 'line id installation status at code message httpStatus requestId'],
])('the columns of %s', (name, columns) => {
  expect(columnsOf(findOperation(name) as Operation).join(' ')).toBe(columns)
})

describe('a record that was not sent', () => {
  const rowOf = (name: OperationName, value: object, externalId = 'auto') => {
    const { record, errors } = readOne(name, value)
    expect(errors).toEqual([])
    return record && unsentRow(record, 'planned', externalId)
  }

  test('has its key and its amount', () => {
    const row = { line: 1, id: 'own', installation: 'icfg_1', invoiceId: undefined, status: 'planned', amount: '3.00' }
    expect(rowOf('submitInvoice', { ...invoice, id: 'own' })).toEqual({
      ...row,
      externalId: expect.stringMatching(/^[\w-]{20,}$/),
    })
    expect(rowOf('submitInvoice', { ...invoice, id: 'own', externalId: 'key-1' }, 'none')).toEqual({
      ...row,
      externalId: 'key-1',
    })
    expect(rowOf('submitInvoice', { ...invoice, id: 'own' }, 'none')).toEqual(row)
  })

  test('has its invoice', () => {
    const row = { line: 1, id: undefined, installation: 'icfg_1', invoiceId: 'inv_1', status: 'planned' }
    expect(rowOf('updateInvoice', refund)).toEqual({ ...row, amount: '1.00' })
    expect(rowOf('getInvoice', { integrationConfigurationId: 'icfg_1', invoiceId: 'inv_1' })).toEqual(row)
  })
})

describe('a record of a journal', () => {
  const row = { line: 7, id: undefined, installation: 'icfg_1', at: '2025-03-15T12:00:00.000Z' }

  test('has its result, and its id if that is its own', () => {
    const request = sent('own', { digest: 'd', externalId: 'key-1', amount: '3.00' })
    const outcome = succeeded('own', { invoiceId: 'inv_1', status: 'duplicate', httpStatus: 409, requestId: 'req' })
    expect(journaledRow({ sent: request, outcome }, 7)).toEqual({
      ...row,
      id: 'own',
      externalId: 'key-1',
      invoiceId: 'inv_1',
      status: 'duplicate',
      amount: '3.00',
      httpStatus: 409,
      requestId: 'req',
    })
  })

  test('was accepted if the journal does not say more', () => {
    const { status: _, ...outcome } = succeeded('a')
    expect(journaledRow({ sent: sent('a'), outcome }, 7)).toEqual({ ...row, status: 'accepted' })
  })

  test('is unknown if the journal ends before its outcome', () => {
    expect(journaledRow({ sent: sent('a', { invoiceId: 'inv_1' }), outcome: undefined }, 7)).toEqual({
      ...row,
      invoiceId: 'inv_1',
      status: 'unknown',
      code: 'outcome_unknown',
      message: 'It was sent, and the journal ends before its outcome',
    })
  })
})
