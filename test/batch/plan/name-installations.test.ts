// The names of the installations that a comparison lists, which are read again.

import { expect, test, vi } from 'vitest'
import { compareAmounts } from '../../../src/batch/plan/compare.ts'
import type { EarlierBatch } from '../../../src/batch/plan/earlier-amounts.ts'
import { InstallationAmounts } from '../../../src/batch/plan/installation-amounts.ts'
import { nameInstallations } from '../../../src/batch/plan/name-installations.ts'
import type { BatchFile } from '../../../src/batch/records/batch-file.ts'
import { newCheck } from '../../payload/checking.ts'
import { newFolder } from '../files.ts'
import { outcome, sent } from '../journals.ts'
import { billOf, linesOf } from './batch-step.ts'
import { batchFileOf, earlierBatch, paid } from './plans.ts'

/** Compares a batch file with what installations paid. @returns the names in each list of the comparison */
function namesOf(file: BatchFile, planned: readonly string[], paidBefore: readonly string[], earlier: EarlierBatch) {
  const amounts = new InstallationAmounts(7)
  for (const [index, installation] of planned.entries()) amounts.addPlanned(installation, '20.00', index + 1)
  for (const installation of paidBefore)
    amounts.addEarlier(installation, installation === 'icfg_same' ? '20.00' : '5.00')
  const { largest, newest, missing } = nameInstallations(compareAmounts(amounts, '20'), { amounts, earlier, file })
  const names = [largest, newest, missing].map((list) => list.map(({ installation }) => installation).sort())
  return { largest: names[0], newest: names[1], missing: names[2] }
}

/** Journals that must not be read. */
const unread: EarlierBatch = { paths: ['/does/not/exist'], warnings: [] }

test('each list has the names of its installations, and only their lines are read again', () => {
  const planned = ['icfg_same', 'icfg_up', 'icfg_same', 'icfg_new', 'icfg_same']
  const check = vi.fn(newCheck)
  const file = { ...batchFileOf(planned.map((installation) => billOf(installation, '20.00'))), newCheck: check }
  const events = [
    ...paid('a', 'icfg_same', '60.00'),
    sent('b', { installation: 'icfg_failed' }),
    outcome('b', 'failed', { installation: 'icfg_failed' }),
    ...paid('c', 'icfg_up', '5.00'),
    ...paid('d', 'icfg_gone', '5.00'),
    ...paid('e', 'icfg_lost', '5.00'),
  ]
  const before = ['icfg_same', 'icfg_same', 'icfg_same', 'icfg_up', 'icfg_gone', 'icfg_lost']
  expect(namesOf(file, planned, before, earlierBatch(newFolder(), { events }))).toEqual({
    largest: ['icfg_up'],
    newest: ['icfg_new'],
    missing: ['icfg_gone', 'icfg_lost'],
  })
  expect(check).toHaveBeenCalledTimes(2)
})

test('journals are not read for batches that have all earlier installations', () => {
  const file = batchFileOf([billOf('icfg_up', '20.00'), billOf('icfg_new', '20.00')])
  expect(namesOf(file, ['icfg_up', 'icfg_new'], ['icfg_up'], unread)).toEqual({
    largest: ['icfg_up'],
    newest: ['icfg_new'],
    missing: [],
  })
})

test('a line that has changed since it was checked gets no name', () => {
  const [first, second, third] = ['icfg_1', 'icfg_2', 'icfg_3'].map((id) => linesOf([billOf(id, '20.00')]))
  const changed = `${first}{\n${third}`
  expect(second).toContain('icfg_2')
  expect(namesOf(batchFileOf([], changed), ['icfg_1', 'icfg_2', 'icfg_3'], [], unread)).toEqual({
    largest: [],
    newest: ['', 'icfg_1', 'icfg_3'],
    missing: [],
  })
})
