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
  const recordContext = await readingOf('updateInvoice')
  const content = ids.map((id) => JSON.stringify({ ...refund, id })).join('\n')
  return withFile(join(newFolder(), 'batch.ndjson'), content, (file) => {
    try {
      checkBatch({
        recordContext,
        file,
        path: 'b',
        shard: { index: 1, count: 1 },
        newCheck: () => newCheck(),
        isResumed: false,
      })
      return []
    } catch (error) {
      return (error as Failure).findings.map(({ position }) => position?.line)
    }
  })
}

test('are not taken for each other', async () => {
  expect(await findingsOf('a', 'b', 'c')).toEqual([])
  expect(await findingsOf('a', 'b', 'c', 'b')).toEqual([4])
})
