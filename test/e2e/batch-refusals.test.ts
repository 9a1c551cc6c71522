// Batches that fail before the first record is sent: one clear error, exit code 1, no request.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { bills, installations, ndjson, records, startServer, usage } from './batches.ts'
import { changed, token } from './invoices.ts'
import { type Annotation, runStepInProcess, type StepOptions, scratch, startStep } from './step.ts'

const valid = records(bills, 3, installations(2))
const [first = {}, second = {}, third = {}] = valid
const files = { 'b.ndjson': ndjson(valid) }
const inputs = { operation: 'submitInvoice', token, 'batch-file': 'b.ndjson' }

/** Runs a step that must fail without a request. @returns its one error */
async function runRefused(options: StepOptions): Promise<Annotation> {
  const server = await startServer()
  const step = await runStepInProcess({
    files,
    ...options,
    with: { ...inputs, 'api-url': server.url, ...options.with },
  })
  expect(server.arrivals).toEqual([])
  expect(step.code).toBe(1)
  expect(step.outputs.status).toBe('failed')
  expect(step.outputs.errorCode).not.toBe('internal_error')
  expect(step.log).not.toMatch(/^\s+at .*:\d+/m)
  expect(step.errors).toHaveLength(1)
  expect(step.outputs.errorMessage).toContain(step.errors[0])
  return step.annotations.find(({ level }) => level === 'error') as Annotation
}

describe('a batch fails if its file', () => {
  const broken = `${JSON.stringify(first)}\n\n{"memo": }\n`
  const cases: [name: string, content: string | Buffer, error: RegExp, line?: number, column?: number][] = [
    ['is empty', '', /"b\.ndjson" has no records/],
    ['has only blank lines', ' \r\n\n\ufeff\n', /has no records|not valid JSON/],
    ['has a line that is a list', `${JSON.stringify(first)}\n[1]\n`, /must be an object.*not a list/, 2, 1],
    ['has a line that is a number', '42', /must be an object.*not a number/, 1, 1],
    ['has a line that is not JSON', broken, /not valid JSON.*line 3, column 10/, 3, 10],
    ['has an incomplete line', JSON.stringify(first).slice(0, -1), /not valid JSON.*line 1/, 1],
    ['is YAML', 'memo: x\n', /^b\.ndjson looks like YAML; batch-file takes NDJSON/, 1],
    ['is not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), /not UTF-8/, 1],
    ['has a line of 11 MB', `{"memo":"${'x'.repeat(11 * 1024 * 1024)}"}\n`, /longer than 10 MiB/, 1],
    ['has an unknown field', ndjson([first, { ...second, memmo: 'x' }]), /memmo .*`memo`.*line 2, column/, 2],
    [
      'has an id twice',
      ndjson([{ ...first, id: 'a' }, third, { ...second, id: 'a' }]),
      /"a" is also the id of line 1/,
      3,
    ],
    ['has an id that is a number', ndjson([first, { ...second, id: 7 }]), /id must be text.*not a number/, 2],
    ['has an empty id', ndjson([{ ...first, id: '' }]), /id must be text/, 1],
    ['has a token that is a number', ndjson([{ ...first, token: 7 }]), /token must be text/, 1],
    ['refers to a token that is not set', ndjson([{ ...first, token: { $env: 'NONE' } }]), /token .*NONE/, 1],
  ]
  test.each(cases)('%s', async (_, content, error, line, column) => {
    const { message, ...at } = await runRefused({ files: { 'b.ndjson': content } })
    expect(message).toMatch(error)
    expect(at).toMatchObject({
      file: 'b.ndjson',
      ...(line && { line: String(line) }),
      ...(column && { col: String(column) }),
    })
  })

  test('has several invalid lines: each is reported, and no valid line is sent', async () => {
    const server = await startServer()
    const text = ndjson([first, { ...second, memmo: 'x' }, third, { ...first, total: 1 }])
    const step = await runStepInProcess({ files: { 'b.ndjson': text }, with: { ...inputs, 'api-url': server.url } })
    expect(step.annotations.map(({ line }) => line)).toEqual(['2', '4'])
    expect(server.arrivals).toEqual([])
  })

  test.each([
    ['does not exist', 'gone.ndjson', /"gone\.ndjson" does not exist; paths are relative to the workspace/],
    ['is a folder', 'sub', /"sub" is not a regular file/],
  ])('%s', async (_, path, error) => {
    const { message } = await runRefused({ files: { 'sub/b': '' }, with: { 'batch-file': path } })
    expect(message).toMatch(error)
  })

  test.each([
    ['this shard', '1/1'],
    ['another shard', '1/2'],
    ['another shard, with the shards swapped', '2/2'],
  ])('has no token for an installation of %s', async (_, shard) => {
    const tokens = JSON.stringify({ icfg_1: 'token-1-of-list' })
    const { message, line } = await runRefused({ with: { token: '', tokens, shard } })
    expect(message).toMatch(
      /installation "icfg_2" has no token: add it to `tokens` or `tokens-file`, or set `token` for all records/,
    )
    expect(line).toBe('2')
  })
})

describe('the step fails and names the input', () => {
  const batch: [inputs: Record<string, string>, error: RegExp][] = [
    ...['0/4', '5/4'].map((shard): [Record<string, string>, RegExp] => [
      { shard },
      /`shard` is [05]\/4: the first number must be between 1 and 4/,
    ]),
    ...['x', '1', '1/0', '-1/2'].map((shard): [Record<string, string>, RegExp] => [{ shard }, /`shard` must be i\/n/]),
    [{ tokens: '{"a":"token-a-1"}', 'tokens-file': 't.json' }, /`tokens` and `tokens-file` exclude each other/],
    [{ 'tokens-file': 'gone.json' }, /tokens-file "gone\.json" cannot be read/],
    [{ tokens: '["a"]' }, /Input `tokens` must be a JSON object/],
    [{ tokens: '{"a": 1}' }, /must be text, not a number/],
    [{ payload: changed({}) }, /`batch-file` and `payload` exclude each other/],
    [{ 'payload-file': 'a.json' }, /`batch-file` and `payload-file` exclude each other/],
    [{ 'installation-id': 'icfg_1' }, /`installation-id` is not used.*each record of the batch file has its own ids/],
    [{ 'wait-for': 'paid' }, /`wait-for` is not used.*a batch does not wait/],
    [{ 'external-id': 'one-for-all' }, /`external-id` must be `auto` or `none` in a batch/],
    [{ concurrency: '0' }, /`concurrency` must be a positive whole number/],
    [{ concurrency: '1.5' }, /`concurrency` must be a positive whole number/],
    [{ 'max-failures': '0' }, /`max-failures` must be a positive whole number/],
    [{ operation: 'rotateInstallationCredential' }, /`new-tokens-file` is missing/],
    [{ operation: 'exchangeSsoToken', token: '' }, /cannot run as a batch/],
    [{ operation: 'updateInvoice', 'invoice-id': 'inv_1' }, /`invoice-id` is not used/],
  ]
  test.each(batch)('in a batch with %j', async (given, error) => {
    expect((await runRefused({ with: given })).message).toMatch(error)
  })

  const single: Record<string, string>[] = [
    { tokens: '{"a":"token-a-1"}' },
    { 'tokens-file': 't.json' },
    { concurrency: '2' },
    { shard: '1/2' },
    { 'journal-file': 'j' },
    { 'max-failures': '2' },
  ]
  test.each(single)('without batch-file, with %j', async (given) => {
    const { message } = await runRefused({ with: { 'batch-file': '', payload: changed({}), ...given } })
    expect(message).toBe(`Input \`${Object.keys(given)[0]}\` is not used by submitInvoice: it goes with \`batch-file\``)
  })
})

describe('a batch fails if its journal', () => {
  const named = valid.map((record, index) => ({ id: `r-${index}`, ...record }))

  /** Runs a batch, and then a step that must refuse its journal. @returns the error of that step */
  async function errorOfNextRun(list: object[], next: StepOptions) {
    const server = await startServer()
    const workspace = scratch()
    const common = { ...inputs, 'journal-file': 'j.ndjson', 'api-url': server.url }
    const first = await runStepInProcess({ workspace, files: { 'b.ndjson': ndjson(list) }, with: common })
    expect(first.outputs.status, first.log).toBe('succeeded')
    return runRefused({
      workspace,
      files: {},
      ...next,
      with: { 'journal-file': 'j.ndjson', 'api-url': server.url, ...next.with },
    })
  }

  test.each([
    ['a text', 'hello\n'],
    ['a payload', '{"journal": true}\n'],
    ['a batch file', ndjson(valid)],
  ])('is %s, which stays unchanged', async (_, content) => {
    const { message } = await runRefused({
      files: { ...files, 'j.ndjson': content },
      with: { 'journal-file': 'j.ndjson' },
    })
    expect(message).toMatch(/^The journal ".*j\.ndjson" was not written by this action\. Use another `journal-file`/)
  })

  test('is a folder', async () => {
    const { message } = await runRefused({ files: { ...files, 'j/x': '' }, with: { 'journal-file': 'j' } })
    expect(message).toMatch(/cannot be opened: it is not a regular file/)
  })

  test('belongs to another operation', async () => {
    const next = {
      files: { 'b.ndjson': ndjson(records(usage, 3, installations(2))) },
      with: { operation: 'submitBillingData' },
    }
    expect((await errorOfNextRun(valid, next)).message).toMatch(/belongs to "submitInvoice", not to submitBillingData/)
  })

  test('belongs to another API, on the same host', async () => {
    const { message } = await errorOfNextRun(valid, { with: { 'api-url': 'http://127.0.0.1:9/base/' } })
    expect(message).toMatch(
      /records what was sent to "http:\/\/127\.0\.0\.1:\d+", not to http:\/\/127\.0\.0\.1:9\/base\./,
    )
  })

  test('belongs to another shard', async () => {
    expect((await errorOfNextRun(valid, { with: { shard: '1/2' } })).message).toMatch(
      /belongs to shard "1\/1", not to 1\/2/,
    )
  })

  test('was written with another external-id', async () => {
    expect((await errorOfNextRun(valid, { with: { 'external-id': 'none' } })).message).toMatch(
      /begun with `external-id: auto`/,
    )
  })

  test('belongs to another batch file', async () => {
    const other = { 'b.ndjson': ndjson([bills('icfg_1', 'other')]) }
    expect((await errorOfNextRun(valid, { files: other })).message).toMatch(
      /belongs to another batch file: it shares no record/,
    )
  })

  test('has records that were removed from the batch file', async () => {
    const { message } = await errorOfNextRun(valid, { files: { 'b.ndjson': ndjson([first, third]) } })
    expect(message).toMatch(
      /has 1 records? that the batch file does not have, the first from line 2.*icfg_2.*restore (it|them)/,
    )
  })

  test('has a record that has changed since: the error shows both versions around the change', async () => {
    const edited = named.map((record) => (record.id === 'r-1' ? { ...record, memo: 'edited' } : record))
    const { message } = await errorOfNextRun(named, { files: { 'b.ndjson': ndjson(edited) } })
    const [, was, is] =
      /the record "r-1" has changed: it was sent as (.*) \(line 2 then\), and is (.*) now \(line 2\)/.exec(message) ??
      []
    expect(was).toContain('"total":"3.75"}]}')
    expect(is).toContain('"total":"3.75"}],"memo":"edited"}')
  })

  test('is in use by another step', async () => {
    const workspace = scratch()
    const common = { ...inputs, 'journal-file': 'j.ndjson' }
    const busy = Promise.withResolvers<void>()
    const refused = Promise.withResolvers<undefined>()
    const server = await startServer({
      faults() {
        busy.resolve()
        return refused.promise
      },
    })
    const running = startStep({ workspace, files, with: { ...common, 'api-url': server.url } })
    await busy.promise
    const { message } = await runRefused({ workspace, files: {}, with: common })
    expect(message).toMatch(/"[^"]*j\.ndjson" is in use by another run.*give each run its own `journal-file`/)
    refused.resolve(undefined)
    expect((await running.done).outputs.status).toBe('succeeded')
    writeFileSync(join(workspace, 'b.ndjson'), ndjson(valid))
    expect((await runStepInProcess({ workspace, with: { ...common, 'api-url': server.url } })).outputs.skipped).toBe(
      '3',
    )
  })
})
