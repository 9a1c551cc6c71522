// Ids with the same hash, as two of many millions may have.

import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { checkBatch } from '../../../src/batch/records/check-batch.ts'
import type { Failure } from '../../../src/failure.ts'
import { newCheck } from '../../payload/checking.ts'
import { newFolder, withFile } from '../files.ts'
import { recordContext, refund } from '../records.ts'

vi.mock('node:crypto', async (original) => ({ ...(await original<object>()), hash: () => '0'.repeat(64) }))

function linesWithErrors(...ids: string[]) {
  const context = recordContext('updateInvoice')
  const content = ids.map((id) => JSON.stringify({ ...refund, id })).join('\n')
  return withFile(join(newFolder(), 'batch.ndjson'), content, (descriptor) => {
    try {
      checkBatch(
        { context, descriptor, path: 'b', newCheck: () => newCheck() },
        { index: 1, count: 1 },
        { isResumed: false },
      )
      return []
    } catch (error) {
      return (error as Failure).diagnostics.map(({ position }) => position?.line)
    }
  })
}

test('ids with the same hash are not duplicates unless they are equal', () => {
  expect(linesWithErrors('a', 'b', 'c')).toEqual([])
  expect(linesWithErrors('a', 'b', 'c', 'b')).toEqual([4])
})
