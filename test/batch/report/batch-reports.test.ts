// The report of a plan, of runs and of merged journals, as a user reads it.

import { existsSync, linkSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type BatchScene, batchScene, billOf } from '../plan/batch-step.ts'
import { readCsv } from './csv.ts'

const report = { 'report-file': 'report.csv', 'journal-file': 'journal.ndjson' }
const rowsOf = ({ folder }: BatchScene, path = 'report.csv') => readCsv(readFileSync(join(folder, path), 'utf8'))
const bills = (count: number) =>
  Array.from({ length: count }, (_, index) =>
    billOf(`icfg_${index + 1}`, `${index + 1}.00`, { id: `october-${index + 1}` }),
  )

test('the report of a plan has every record, of all shards', async () => {
  const scene = await batchScene()
  const batch = [billOf('icfg_1', '1.00', { id: '=cmd' }), billOf('icfg_2', '2.00', { externalId: 'inv-2' })]
  const { outputs } = await scene.run(batch, { ...report, 'dry-run': 'true', shard: '1/2' })
  expect(outputs.reportFile).toBe(join(scene.folder, 'report.csv'))
  const [first, second] = rowsOf(scene)
  expect(first).toMatchObject({ line: '1', id: "'=cmd", installation: 'icfg_1', status: 'planned', amount: '1.00' })
  expect(second).toMatchObject({ line: '2', id: '', externalId: 'inv-2', installation: 'icfg_2', amount: '2.00' })
  // The key with which a run will send the invoice.
  await scene.run(batch)
  expect(scene.server.arrivals[0]?.body).toMatchObject({ externalId: first?.externalId })
})

test('the report of a run has the outcome of every record, in the order of the file', async () => {
  const scene = await batchScene()
  scene.server.faults = ({ path }) =>
    path.includes('icfg_2/')
      ? { type: 'answer', status: 422, body: { error: { code: 'bad_request', message: 'says "no", twice' } } }
      : undefined
  const { outputs } = await scene.run(bills(4), { ...report, concurrency: '4' })
  expect(outputs).toMatchObject({ status: 'partial', reportFile: join(scene.folder, 'report.csv') })
  const rows = rowsOf(scene)
  expect(rows.map(({ line, id, status }) => [line, id, status])).toEqual([
    ['1', 'october-1', 'accepted'],
    ['2', 'october-2', 'failed'],
    ['3', 'october-3', 'accepted'],
    ['4', 'october-4', 'accepted'],
  ])
  expect(rows[1]).toMatchObject({
    code: 'bad_request',
    httpStatus: '422',
    message: expect.stringContaining('"no", twice'),
  })
  expect(rows[0]).toMatchObject({
    amount: '1.00',
    at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    httpStatus: '200',
  })
  expect(rows[0]?.invoiceId).not.toBe('')
  expect(rows[0]?.externalId).toMatch(/^auto-/)
})

test('records that were not started are in the report, and a resumed run reports all that the journal knows', async () => {
  const scene = await batchScene()
  scene.server.faults = ({ path }) => (path.includes('icfg_2/') ? { type: 'answer', status: 401, body: {} } : undefined)
  await scene.run(bills(5), { ...report, concurrency: '1', 'max-failures': '1' })
  expect(rowsOf(scene).map(({ status }) => status)).toEqual([
    'accepted',
    'failed',
    'not started',
    'not started',
    'not started',
  ])
  expect(rowsOf(scene)[4]).toMatchObject({ line: '5', id: 'october-5', installation: 'icfg_5', amount: '5.00' })

  scene.server.faults = () => undefined
  const [first, ...others] = bills(6) as [object, ...object[]]
  // Lines may be added and moved between runs.
  await scene.run([...others, first], report)
  const rows = rowsOf(scene)
  expect(rows.map(({ line, id, status }) => `${line} ${id} ${status}`)).toEqual([
    '1 october-2 accepted',
    '2 october-3 accepted',
    '3 october-4 accepted',
    '4 october-5 accepted',
    '5 october-6 accepted',
    '6 october-1 accepted',
  ])
})

test('identical records have a row each', async () => {
  const scene = await batchScene()
  const { period } = billOf('', '1')
  const usage = { integrationConfigurationId: 'icfg_1', eod: period.end, period, billing: [], usage: [] }
  let answers = 0
  scene.server.faults = () => (++answers > 2 ? { type: 'answer', status: 400, body: {} } : undefined)
  const inputs = { ...report, operation: 'submitBillingData', 'max-failures': '1' }
  await scene.run([usage, usage, usage, usage], inputs)
  expect(rowsOf(scene).map(({ status }) => status)).toEqual(['accepted', 'accepted', 'failed', 'not started'])
  scene.server.faults = () => undefined
  await scene.run([usage, usage, usage, usage], inputs)
  expect(rowsOf(scene).map(({ status }) => status)).toEqual(Array(4).fill('accepted'))
  expect(Object.keys(rowsOf(scene)[0] ?? {})).not.toContain('externalId')
})

test('a journal that ends before an outcome makes its record unknown', async () => {
  const scene = await batchScene()
  await scene.run(bills(2), { ...report, concurrency: '1' })
  const journal = join(scene.folder, 'journal.ndjson')
  const lines = readFileSync(journal, 'utf8').trimEnd().split('\n')
  writeFileSync(journal, `${lines.slice(0, -1).join('\n')}\n{"event":"succ`)
  const merged = await scene.run('', { ...merge, 'journal-file': 'journal.ndjson' })
  expect(merged.outputs.reportFile).toBe(join(scene.folder, 'merged.csv'))
  expect(rowsOf(scene, 'merged.csv').map(({ status, code }) => [status, code])).toEqual([
    ['accepted', ''],
    ['unknown', 'outcome_unknown'],
  ])
})

const merge = { operation: 'mergeJournals', token: '', 'api-url': '', 'batch-file': '', 'report-file': 'merged.csv' }

describe('mergeJournals', () => {
  test('has the records of all shards by line, each once', async () => {
    const scene = await batchScene()
    for (const index of [1, 2, 3]) {
      await scene.run(bills(20), { shard: `${index}/3`, 'journal-file': `j-${index}.ndjson` })
    }
    // The journal of an earlier attempt, which the first one continues.
    const [header, begun, ...events] = readFileSync(join(scene.folder, 'j-1.ndjson'), 'utf8').split('\n')
    writeFileSync(join(scene.folder, 'j-1-before.ndjson'), `${[header, begun, ...events.slice(0, 2)].join('\n')}\n`)
    const { code, outputs } = await scene.run('', { ...merge, 'journal-file': 'j-*.ndjson' })
    expect({ code, total: outputs.total }).toEqual({ code: 0, total: '20' })
    const rows = rowsOf(scene, 'merged.csv')
    expect(rows.map(({ line, installation }) => `${line} ${installation}`)).toEqual(
      bills(20).map(({ integrationConfigurationId }, index) => `${index + 1} ${integrationConfigurationId}`),
    )
    expect(new Set(rows.map(({ status }) => status))).toEqual(new Set(['accepted']))
  })

  test('a report that cannot be written fails the step, and the counts are reported all the same', async () => {
    const scene = await batchScene()
    await scene.run(bills(2), { 'journal-file': 'j.ndjson' })
    mkdirSync(join(scene.folder, 'merged.csv'))
    const { code, outputs } = await scene.run('', { ...merge, 'journal-file': 'j.ndjson' })
    expect(code).toBe(1)
    expect(outputs).toMatchObject({ errorCode: 'report_failed', succeeded: '2' })
  })
})

describe('trackInvoices', () => {
  const tracking = {
    operation: 'trackInvoices',
    'batch-file': '',
    'journal-file': 'j.ndjson',
    'report-file': 'open.csv',
  }

  test('has a row per invoice, with its state', async () => {
    const scene = await batchScene()
    await scene.run([...bills(2), billOf('icfg_9', '9.00')], {
      'journal-file': 'j.ndjson',
    })
    const { outputs } = await scene.run('', tracking)
    expect(outputs.reportFile).toBe(join(scene.folder, 'open.csv'))
    const rows = rowsOf(scene, 'open.csv')
    expect(rows.map(({ line, id, installation, amount }) => [line, id, installation, amount])).toEqual([
      ['1', 'october-1', 'icfg_1', '1.00'],
      ['2', 'october-2', 'icfg_2', '2.00'],
      ['3', '', 'icfg_9', '9.00'],
    ])
    expect(rows[2]).toMatchObject({
      status: 'pending',
      invoiceId: expect.stringMatching(/./),
      at: expect.stringMatching(/Z$/),
    })
    expect(Object.keys(rows[0] ?? {})).toEqual(expect.arrayContaining(['invoiceNumber', 'refunded']))
  })

  test('a report that cannot be written ends the step before anything is asked', async () => {
    const scene = await batchScene()
    await scene.run(bills(1), { 'journal-file': 'j.ndjson' })
    const before = scene.server.arrivals.length
    mkdirSync(join(scene.folder, 'open.csv'))
    expect((await scene.run('', tracking)).outputs.errorCode).toBe('report_failed')
    expect(scene.server.arrivals).toHaveLength(before)
  })

  test('one that can no longer be written fails the step, and what was found is reported all the same', async () => {
    const scene = await batchScene()
    await scene.run(bills(1), { 'journal-file': 'j.ndjson' })
    scene.server.faults = () => {
      mkdirSync(join(scene.folder, 'open.csv'), { recursive: true })
      return undefined
    }
    const { code, outputs } = await scene.run('', tracking)
    expect({ code, errorCode: outputs.errorCode, total: outputs.total }).toEqual({
      code: 1,
      errorCode: 'report_failed',
      total: '1',
    })
    expect(outputs.status).not.toBe('failed')
  })
})

test.each(['batch.ndjson', 'journal.ndjson', 'tokens.json'])('a report never replaces %s', async (path) => {
  const scene = await batchScene()
  writeFileSync(join(scene.folder, 'tokens.json'), '{}')
  const inputs = { 'report-file': `./${path}`, 'journal-file': 'journal.ndjson', 'tokens-file': 'tokens.json' }
  const { outputs, errors } = await scene.run(bills(1), inputs)
  expect(outputs.errorCode).toBe('invalid_input')
  expect(errors[0]).toMatch(/^Input `report-file` is the file of `[a-z-]+`/)
  expect(scene.server.arrivals).toEqual([])
})

describe('a report never replaces a journal that the step reads', () => {
  const outOf = { operation: 'mergeJournals', token: '', 'api-url': 'https://api.vercel.com', 'batch-file': '' }
  test.each<[what: string, inputs: Record<string, string>, named: string]>([
    ['with compare-with', { 'compare-with': 'j*.ndjson' }, 'compare-with'],
    ['with compare-with, in a dry run', { 'compare-with': './jan.ndjson', 'dry-run': 'true' }, 'compare-with'],
    ['of mergeJournals', { ...outOf, 'journal-file': 'jan.ndjson' }, 'journal-file'],
    ['of trackInvoices', { operation: 'trackInvoices', 'batch-file': '', 'journal-file': '*.ndjson' }, 'journal-file'],
  ])('%s', async (_, inputs, named) => {
    const scene = await batchScene()
    await scene.run(bills(1), { 'journal-file': 'jan.ndjson' })
    const journal = readFileSync(join(scene.folder, 'jan.ndjson'))
    const before = scene.server.arrivals.length
    linkSync(join(scene.folder, 'jan.ndjson'), join(scene.folder, 'report.csv'))
    for (const path of ['jan.ndjson', 'report.csv']) {
      const { outputs, errors } = await scene.run(bills(1), { ...inputs, 'report-file': path })
      expect(outputs.errorCode, errors.join()).toBe('invalid_input')
      expect(errors).toEqual([expect.stringContaining(`\`report-file\` is the file of \`${named}\``)])
    }
    expect(readFileSync(join(scene.folder, 'jan.ndjson'))).toEqual(journal)
    expect(scene.server.arrivals).toHaveLength(before)
  })
})

test('a report that cannot be written ends the step before anything is sent', async () => {
  const scene = await batchScene()
  writeFileSync(join(scene.folder, 'file'), '')
  const { outputs } = await scene.run(bills(1), { 'report-file': 'file/report.csv' })
  expect(outputs.errorCode).toBe('report_failed')
  expect(scene.server.arrivals).toEqual([])
})

test('a report that cannot be written after the run is a warning: what was sent counts', async () => {
  const scene = await batchScene()
  scene.server.faults = () => {
    mkdirSync(join(scene.folder, 'report.csv'), { recursive: true })
    return undefined
  }
  const { code, outputs, warnings } = await scene.run(bills(1), report)
  expect({ code, status: outputs.status, reportFile: outputs.reportFile }).toEqual({
    code: 0,
    status: 'succeeded',
    reportFile: undefined,
  })
  expect(warnings).toEqual([
    expect.stringMatching(/^`report-file` "report\.csv" cannot be written: .*The journal has all outcomes/),
  ])
})

test('a refused batch leaves no report', async () => {
  const scene = await batchScene()
  await scene.run([{ ...billOf('icfg_1', '1.00'), memo: 1 }], { ...report, 'dry-run': 'true' })
  expect(existsSync(join(scene.folder, 'report.csv'))).toBe(false)
  await scene.run(bills(2), { ...report, 'max-total': '1' })
  expect(existsSync(join(scene.folder, 'report.csv'))).toBe(false)
})

test('a token is in no report, whatever contains it', async () => {
  const scene = await batchScene()
  const token = 'vct-token-of-icfg-1'
  writeFileSync(join(scene.folder, 'tokens.json'), JSON.stringify({ icfg_1: token }))
  const batch = [billOf('icfg_1', '1.00', { id: `id ${token}`, externalId: `key-${token}` })]
  for (const mode of [{ 'dry-run': 'true' }, {}]) {
    await scene.run(batch, { ...report, token: '', 'tokens-file': 'tokens.json', ...mode })
    expect(rowsOf(scene)).toHaveLength(1)
    expect(JSON.stringify(rowsOf(scene))).not.toContain(token)
  }
})
