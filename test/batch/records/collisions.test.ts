// Ids whose hashes are the same, as two of many millions may be.

import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { checkBatch } from '../../../src/batch/records/check-batch.ts'
import type { Failure } from '../../../src/failure.ts'
import { newCheck } from '../../payload/checking.ts'
import { newFolder, withFile } from '../files.ts'
import { readingOf, refund } from '../records.ts'

vi.mock('node:crypto', async (original) => ({ ...(await original<object>()), hash: () => '0'.repeat(64) }))

async function findingsOf(...ids: string[]) {
  const context = await readingOf('updateInvoice')
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

test('are not taken for each other', async () => {
  expect(await findingsOf('a', 'b', 'c')).toEqual([])
  expect(await findingsOf('a', 'b', 'c', 'b')).toEqual([4])
})
