// Steps that fail before they send anything: one clear error, exit code 1, no request.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, expect, onTestFinished, test } from 'vitest'
import { stringify } from 'yaml'
import { examplePayload } from '../example-payloads.ts'
import { folderOnDisk } from '../folder-in-memory.ts'
import { changed, installation, invoice, item, token } from './invoices.ts'
import { runStep, runStepInProcess, type StepOptions, type StepResult, scratch } from './step.ts'

/** Runs a step that must fail without a request. */
async function runRefused(options: StepOptions): Promise<StepResult> {
  let requests = 0
  const server = createServer((_, outgoing) => {
    requests++
    outgoing.end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const step = await runStepInProcess({
    ...options,
    with: { operation: 'submitInvoice', token, 'api-url': url, ...options.with },
  })
  expect(requests).toBe(0)
  expect(step.code).toBe(1)
  expect(step.outputs).toMatchObject({ status: 'failed', result: 'null' })
  expect(step.outputs.errorCode).not.toBe('internal_error')
  expect(step.log).not.toMatch(/^\s+at .*:\d+/m)
  return step
}

/** Only Windows passes on a variable in part. This makes Node report that it runs there, and what the process was handed. */
const onWindows = (handed: object) =>
  `--import=data:text/javascript,${encodeURIComponent(`
    import 'node:os' // which keeps the line breaks of this system
    Object.defineProperty(process, 'platform', { value: 'win32' })
    process.report.getReport = () => ({ environmentVariables: ${JSON.stringify(handed)} })`)}`

test('on Windows a payload is sent only if it is the whole one', async () => {
  const part = stringify(invoice)
  const bodies: string[] = []
  const server = createServer(async (incoming, outgoing) => {
    bodies.push(await text(incoming))
    outgoing.setHeader('content-type', 'application/json').end('{"invoiceId": "inv_1"}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const inputs = { operation: 'submitInvoice', token, 'api-url': url, payload: part }
  const run = (whole: string) => runStep({ with: inputs, env: { NODE_OPTIONS: onWindows({ INPUT_PAYLOAD: whole }) } })
  const refused = await run(part + stringify([item]))
  expect(refused.errors).toEqual([expect.stringContaining('the payload arrived in part')])
  expect(refused.outputs).toMatchObject({ status: 'failed', errorCode: 'invalid_payload' })
  expect(bodies).toEqual([])
  const sent = await run(part)
  expect(sent.errors).toEqual([])
  expect(sent.outputs).toMatchObject({ status: 'accepted', invoiceId: 'inv_1' })
  expect(bodies).toHaveLength(1)
})

describe('submitInvoice fails with an error that names the place and the fix if the payload is', () => {
  const payloads: [name: string, payload: string, error: RegExp][] = [
    ['neither JSON nor YAML', '{"a": ]', /not valid JSON.*line 1, column 7/],
    ['YAML with a tab', 'a:\n\tb: 1', /not valid YAML.*tab.*line 2/],
    ['a list', '[]', /must be an object.*not a list/],
    ['a number', '42', /must be an object.*not a number/],
    ['null', 'null', /must be an object.*not null/],
    ['a duplicate key', `{"memo": "a", "memo": "b"}`, /memo occurs twice.*line 1, column 15/],
    ['a duplicate key in YAML', 'memo: a\nmemo: b\n', /twice.*line 2, column 1/],
    ['an unknown field', changed({ externalID: 'x' }), /externalID is not a known field.*`externalId`/],
    ['an unknown field in a list', changed({ items: [{ ...item, unit: 'GB' }] }), /items\[0\]\.unit .*`units`/],
    ['a number for money', changed({ items: [{ ...item, total: 3.75 }] }), /items\[0\]\.total .*quote it, "3.75"/],
    ['a bare date', changed({ invoiceDate: '2025-01-31' }), /invoiceDate .*"2025-01-31T00:00:00Z".*only a date/],
    ['a time with no zone', changed({ invoiceDate: '2025-01-31T00:00:00' }), /invoiceDate .*no time zone: add Z/],
    ['a day that does not exist', changed({ invoiceDate: '2025-02-30T00:00:00Z' }), /does not exist/],
    ['a wrong choice', changed({ test: { result: 'payed' } }), /test\.result must be one of.*did you mean `paid`/],
    ['.. as an id', changed({ integrationConfigurationId: '..' }), /integrationConfigurationId must be an id/],
    ['an id with a slash', changed({ integrationConfigurationId: 'a/b' }), /without slashes/],
    ['an id with a newline', changed({ integrationConfigurationId: 'a\nb' }), /line break/],
    ['an escaped .. as an id', changed({ integrationConfigurationId: '%252e%252E' }), /must be an id/],
    [
      'an unset variable with the name of an object property',
      changed({ memo: { $env: 'constructor' } }),
      /"constructor", which is not set/,
    ],
    ['a year before 100', changed({ invoiceDate: '0099-02-29T00:00:00Z' }), /a day that does not exist/],
    ['a reference in place of a list', changed({ items: { $env: 'X' } }), /items must be a list, not a reference/],
    ['an unset variable', changed({ memo: { $env: 'NO_SUCH' } }), /memo refers to .*"NO_SUCH", which is not set/],
    [
      'a missing file',
      changed({ memo: { $file: 'no/such' } }),
      /memo refers to the file "no\/such".*the file does not exist/,
    ],
    [
      'a period that ends before it starts',
      changed({ period: { start: invoice.period.end, end: invoice.period.start } }),
      /period\.end is before/,
    ],
    ['a date outside the period', changed({ invoiceDate: '2001-01-01T00:00:00Z' }), /invoiceDate .*outside the period/],
    ['fields beside requestBody', JSON.stringify({ ...invoice, requestBody: {} }), /beside `requestBody`/],
    ['10,000 levels of JSON', `{"memo":${'['.repeat(10_000)}${']'.repeat(10_000)}}`, /nests deeper than 100 levels/],
    ['10,000 levels of YAML', `memo: ${'['.repeat(10_000)}${']'.repeat(10_000)}`, /nests deeper than 100 levels/],
  ]
  test.each(payloads)('%s', async (_, payload, error) => {
    const step = await runRefused({ workspace: scratch(folderOnDisk), with: { payload } })
    expect(step.errors[0]).toMatch(error)
    expect(step.outputs.errorCode).toBe('invalid_payload')
    expect(step.outputs.errorMessage).toContain(step.errors[0])
  })

  test('missing', async () => {
    const { errors } = await runRefused({})
    expect(errors).toEqual([
      'the payload is missing: submitInvoice sends a body; set it with `payload` or `payload-file`',
    ])
  })

  test('wrong in many places: ten errors at most, the last with the number of the others', async () => {
    const items = Array.from({ length: 12 }, () => ({ ...item, total: 3.75 }))
    const { errors } = await runRefused({ with: { payload: changed({ items }) } })
    expect(errors).toHaveLength(10)
    expect(errors[0]).toContain('items[0].total')
    expect(errors[9]).toBe('and 3 more')
  })

  test('a file with an unknown field: the annotation has its line and column', async () => {
    const payload = JSON.stringify({ ...invoice, memmo: 'x' }, null, 2)
    const { annotations } = await runRefused({ with: { 'payload-file': 'bill.json' }, files: { 'bill.json': payload } })
    const line = payload.split('\n').findIndex((text) => text.includes('memmo')) + 1
    expect(annotations).toMatchObject([{ level: 'error', file: 'bill.json', line: String(line), col: '3' }])
  })

  test.each([
    ['is missing', 'gone.json', {}, /"gone.json" cannot be read: the file does not exist/],
    ['is empty', 'a.yml', { 'a.yml': '\n' }, /"a.yml" is empty/],
    ['is over 10 MiB', 'a.json', { 'a.json': Buffer.alloc(10 * 1024 * 1024 + 1, 0x20) }, /larger than 10 MiB/],
    ['is not UTF-8', 'a.json', { 'a.json': Buffer.from([0xff, 0xfe, 0x7b, 0x00]) }, /not UTF-8.*UTF-16/],
    ['is a folder', 'a', { 'a/b': '' }, /it is a folder/],
    ['has a trailing comma', 'a.json', { 'a.json': '{"memo": "x",}' }, /not valid JSON: remove the comma before/],
  ])('a file that %s', async (_, name, files, error) => {
    const step = await runRefused({ workspace: scratch(folderOnDisk), with: { 'payload-file': name }, files })
    expect(step.errors).toEqual([expect.stringMatching(error)])
  })
})

describe('a step fails and names the secret, but does not show its value, if it is', () => {
  test.each([
    ['empty', '', 'is empty'],
    ['***', '***', 'is the literal ***'],
    ['an unexpanded expression', 'x${{ secrets.DB }}', 'contains an unexpanded GitHub expression'],
    ['a line with a newline', 'hunter2-hunter2\n', 'is a single line that ends with a newline'],
  ])('%s', async (_, value, error) => {
    const step = await runRefused({
      with: {
        operation: 'updateResourceSecretsById',
        'installation-id': installation,
        'resource-id': 'db-1',
        payload: JSON.stringify({ secrets: [{ name: 'DB_URL', value }], partial: true }),
      },
    })
    expect(step.errors).toEqual([expect.stringContaining(`secrets[0].value ${error}`)])
    expect(step.lines.join('\n') + JSON.stringify(step.outputs) + step.summary).not.toContain('hunter2')
  })
})

describe('a step fails and names the input if it has', () => {
  const cases: [name: string, inputs: Record<string, string>, error: RegExp][] = [
    [
      'an unknown operation',
      { operation: 'submitInvoices' },
      /no operation "submitInvoices"; did you mean `submitInvoice`\? All operations: docs\/operations\.md/,
    ],
    ['no operation', { operation: '' }, /`operation` is missing/],
    ['a missing token', { token: '' }, /`token` is missing.*credentials\.access_token/],
    ['a blank token', { token: '  ' }, /`token` is missing/],
    ['a token with a line break in it', { token: 'abc\ndef-ghi' }, /`token` contains a space/],
    ['an unexpanded token', { token: '${{ secrets.TOKEN }}' }, /`token` contains an unexpanded GitHub expression/],
    ['payload and payload-file', { payload: changed({}), 'payload-file': 'a.json' }, /exclude each other/],
    ['an input that the operation does not use', { 'member-id': 'user_1' }, /`member-id` is not used by submitInvoice/],
    ['an api-url without TLS', { 'api-url': 'http://example.com' }, /must start with https/],
    ['an api-url that is not a URL', { 'api-url': 'api.vercel.com' }, /must be a URL/],
    ['an api-url with a user', { 'api-url': 'https://a:b@example.com' }, /without user/],
    ['dry-run: maybe', { 'dry-run': 'maybe' }, /`dry-run` must be true or false/],
    [
      'an id in an input that differs from the payload',
      { 'installation-id': 'icfg_other' },
      /differs from the input `installation-id`/,
    ],
    [
      '.. as the id in an input',
      { 'installation-id': '..', payload: changed({ integrationConfigurationId: undefined }) },
      /`installation-id` must be an id/,
    ],
  ]
  test.each(cases)('%s', async (_, inputs, error) => {
    const step = await runRefused({ with: { payload: changed({}), ...inputs } })
    expect(step.errors).toEqual([expect.stringMatching(error)])
  })

  test('a token for an operation that sends none', async () => {
    const payload = JSON.stringify(examplePayload('exchangeSsoToken').payload)
    const { errors } = await runRefused({ with: { operation: 'exchangeSsoToken', payload } })
    expect(errors).toEqual([expect.stringContaining('`token` is not used by exchangeSsoToken')])
  })
})
