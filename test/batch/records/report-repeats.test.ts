// The two readings for repeats by themselves: what the first suspects, and how the second reads.

import { expect, test } from 'vitest'
import type { BatchFile } from '../../../src/batch/records/batch-file.ts'
import { BatchProblems } from '../../../src/batch/records/batch-problems.ts'
import { addKeys, reportRepeats } from '../../../src/batch/records/find-repeats.ts'
import { Repeats } from '../../../src/batch/records/repeats.ts'
import { Turns } from '../../../src/batch/records/turns.ts'
import type { Failure } from '../../../src/failure.ts'
import type { OperationName } from '../../../src/operations/catalogue.ts'
import { newCheck } from '../../payload/checking.ts'
import { invoice, readOne, recordContext, refund } from '../records.ts'

const [item] = invoice.items

class CountedTurns extends Turns {
  taken = 0

  override async take(): Promise<void> {
    this.taken++
    await super.take()
  }
}

/** Both readings of valid records. */
async function findRepeats(operation: OperationName, records: readonly object[]) {
  let checks = 0
  const file: BatchFile = {
    context: recordContext(operation),
    source: Buffer.from(records.map((record) => `${JSON.stringify(record)}\n`).join('')),
    path: 'batch.ndjson',
    newCheck: () => {
      checks++
      return newCheck()
    },
  }
  const repeats = new Repeats()
  for (const value of records) addKeys(repeats, value, readOne(operation, value).record, file)
  const problems = new BatchProblems(file.path)
  const turns = new CountedTurns()
  await reportRepeats(repeats, file, problems, turns)
  let errors: Failure['diagnostics'] = []
  try {
    problems.refuse(false)
  } catch (error) {
    errors = (error as Failure).diagnostics
  }
  return { errors, warnings: problems.warnings, checks, turns: turns.taken }
}

test('a file without repeats is not read again, even if items of one invoice are alike', async () => {
  const alike = { ...invoice, items: [item, { ...item, name: 'Transfer' }] }
  expect(await findRepeats('submitInvoice', [alike])).toEqual({ errors: [], warnings: [], checks: 0, turns: 0 })
})

test('items of one invoice that are alike are not repeats of each other, but of an earlier invoice', async () => {
  const alike = { ...invoice, items: [item, { ...item, name: 'Transfer' }] }
  const { warnings } = await findRepeats('submitInvoice', [alike, { ...invoice, externalId: 'b' }])
  expect(warnings).toEqual([
    {
      message:
        '1 item has the same resource, plan and period as an item of an earlier invoice of the installation, and Vercel bills these once: items[0] of line 2 (as in line 1). Remove it, or correct its period',
      file: 'batch.ndjson',
      position: { line: 2, column: 1 },
    },
  ])
})

test('the second reading takes the turns that are due', async () => {
  const short = await findRepeats('updateInvoice', [refund, refund])
  expect([short.errors.length, short.turns]).toEqual([1, 0])
  const long = { ...refund, reason: 'x'.repeat(1000) }
  const records = Array.from({ length: 1100 }, (_, number) => ({ ...long, invoiceId: `inv_${number}` }))
  expect((await findRepeats('updateInvoice', [...records, refund, refund])).turns).toBe(1)
})

test('the second reading stops after a thousand errors', async () => {
  const { errors, checks } = await findRepeats('updateInvoice', Array(1200).fill(refund))
  expect(errors).toHaveLength(1000)
  expect(checks).toBe(1001)
})
