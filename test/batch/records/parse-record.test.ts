import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseRecord } from '../../../src/batch/records/parse-record.ts'
import { parseSource } from '../../../src/payload/parse.ts'
import { wildJson } from '../../payload/wild-json.ts'
import { runs } from '../../runs.ts'

test('any line has the value, the problems and the positions that the scan finds', async () => {
  await fc.assert(
    fc.asyncProperty(wildJson, fc.boolean(), async (text, hasMark) => {
      const line = `${hasMark ? '\ufeff' : ''}${text}`
      const { locate, ...parsed } = parseRecord(line)
      const { locate: locateScanned, ...scanned } = await parseSource(line, 'json')
      expect(parsed).toEqual(scanned)
      for (const path of [[], ['a'], ['a', 0], ['id'], [1, 'b']]) {
        for (const at of ['key', 'value'] as const) expect(locate(path, at)).toEqual(locateScanned(path, at))
      }
    }),
    runs(300),
  )
})
