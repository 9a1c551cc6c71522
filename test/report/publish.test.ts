import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Failure } from '../../src/failure.ts'
import { quote } from '../../src/format.ts'
import { type Operation, type OperationName, operations } from '../../src/operations/catalogue.ts'
import { buildRequest, requestShape } from '../../src/operations/request.ts'
import { openLog } from '../../src/report/log.ts'
import { publish } from '../../src/report/publish.ts'
import type { StepReport } from '../../src/report/step-report.ts'
import { Secrets } from '../../src/secrets.ts'
import { newCheck } from '../payload/checking.ts'
import { runs } from '../runs.ts'
import { type TestRunner, testRunner } from '../test-runner.ts'
import { see } from './read.ts'

let folder: string
let file: string
let runner: TestRunner
let env: NodeJS.ProcessEnv

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'publish-'))
  file = join(folder, 'summary')
  writeFileSync(file, '')
  env = { GITHUB_STEP_SUMMARY: file }
  runner = testRunner()
})

afterEach(() => rmSync(folder, { recursive: true }))

const operationOf = (name: string) => operations.find((operation) => operation.name === name) as Operation
const stepOf = (known: StepReport): StepReport => ({
  ...(known.operation && { name: known.operation.sdkName }),
  ...known,
})
const deliveryOf = (status: number, text: string, headers = {}) => ({
  attempts: 1,
  response: { status, headers, text },
  sentAt: new Date(),
})

/** The text that a step adds to the summary. */
async function written(step: StepReport, { secrets = new Secrets(), wantsSummary = true } = {}): Promise<string> {
  writeFileSync(file, '')
  await publish(step, { runner, log: openLog(runner, secrets), secrets, env, wantsSummary, ms: 500.4 })
  return readFileSync(file, 'utf8')
}

describe('the summary of a step', () => {
  const paid = { operation: operationOf('getInvoice'), outcome: { status: 'paid' } }

  test('shows its response, or the last one if it waited', async () => {
    const step = stepOf({ ...paid, delivery: deliveryOf(200, '{"state":"pending"}', { 'x-vercel-id': 'fra1::a' }) })
    const first = see(await written(step))
    expect(first.headings).toEqual(['✅ getInvoice: paid'])
    expect(first.tables).toEqual([[['State', 'pending']]])
    expect(first.request).toEqual({
      Operation: 'getInvoice',
      'HTTP status': '200',
      'Request id': 'fra1::a',
      Attempts: '1',
      Time: '500 ms',
    })
    const polled = { status: 200, headers: {}, text: '{"state":"paid"}' }
    expect(see(await written({ ...step, polled })).tables).toEqual([[['State', 'paid']]])
  })

  test('of a failed step shows its problems with their places', async () => {
    const finding = { message: 'is missing', path: ['items', 0, 'total'], position: { line: 3, column: 5 } }
    const failure = new Failure('invalid_payload', 'It is not right', { diagnostics: [finding] })
    const { headings, paragraphs, list } = see(await written(stepOf({ ...paid, failure, warnings: [finding] })))
    expect(headings).toEqual(['❌ getInvoice: failed'])
    expect(paragraphs).toEqual(['invalid_payload: It is not right'])
    const problem = 'items[0].total is missing (line 3, column 5)'
    expect(list).toEqual([problem, `⚠️ ${problem}`])
  })

  test('is separated from the text before and after it', async () => {
    await written(stepOf(paid))
    const one = readFileSync(file, 'utf8')
    const secrets = new Secrets()
    await publish(stepOf(paid), { runner, log: openLog(runner, secrets), secrets, env, wantsSummary: true, ms: 500 })
    expect(readFileSync(file, 'utf8')).toBe(one + one)
    expect(one).toMatch(/^<h3>.*>\n\n$/s)
  })

  test('that failed before its operation was known says why', async () => {
    expect(await written({ failure: new Failure('unknown_operation', 'There is no operation "bill"') })).toContain(
      '<b>unknown_operation</b>: There is no operation &quot;bill&quot;',
    )
  })

  test('is not written if it is disabled, or has no file', async () => {
    expect(await written(stepOf(paid), { wantsSummary: false })).toBe('')
    env = { GITHUB_STEP_SUMMARY: '' }
    expect(await written(stepOf(paid))).toBe('')
  })

  test('that cannot be written gives a warning, and does not change the result of the step', async () => {
    env = { GITHUB_STEP_SUMMARY: join(folder, 'none', 'summary') }
    const secrets = new Secrets()
    const context = { runner, log: openLog(runner, secrets), secrets, env, wantsSummary: true, ms: 0 }
    expect(await publish(stepOf(paid), context)).toBe(0)
    expect(runner.warnings).toEqual([expect.stringContaining('the job summary could not be written: ENOENT')])
  })
})

describe('no secret is in a summary', () => {
  const ids = { 'installation-id': 'icfg_1', 'resource-id': 'db-1' }
  const resource = { productId: 'db', name: 'Orders', status: 'ready' }
  const listOf = (value: string, other: string) => [
    { name: 'URL', value, environmentOverrides: { production: other } },
    { name: 'KEY', value: { $env: 'KEY' } },
  ]
  const bodies: Partial<Record<OperationName, (value: string, other: string) => object>> = {
    getIntegrationResource: () => ({}),
    importResource: (value, other) => ({ ...resource, name: value, secrets: listOf(value, other) }),
    updateResource: (value, other) => ({ name: other, secrets: { secrets: listOf(value, other), partial: true } }),
    updateResourceSecretsById: (value, other) => ({ secrets: listOf(value, other), partial: false }),
    exchangeSsoToken: (value, other) => ({ code: value, clientSecret: other, clientId: 'oac_1' }),
    revokeInstallationCredential: (value, other) => ({ token: value, clientSecret: other }),
  }
  /** A part of every secret, which shows any of them that is not removed. */
  const secret = fc
    .array(fc.oneof(fc.string({ unit: 'grapheme', maxLength: 9 }), fc.constantFrom(...'"\\/%<&\u200b\u2028\t')), {
      maxLength: 9,
    })
    .map((texts) => `hunter2${texts.join('')}hunter2`)
  const several = fc
    .tuple(secret, fc.constantFrom('', '\n', '\r\n'), secret)
    .map(([one, between, other]) => (between ? one + between + other : one))

  /** Responses that repeat the request. */
  const echoes: ((text: string) => string)[] = [
    (text) => text,
    (text) => JSON.stringify({ name: JSON.stringify(text) }),
    (text) => JSON.stringify({ name: encodeURIComponent(text), status: Buffer.from(text).toString('base64') }),
    (text) => JSON.stringify({ name: text, status: text, state: text, internalId: text, [text]: text }),
    (text) => JSON.stringify({ error: { code: text, message: `not good: ${text}` } }),
    (text) => JSON.stringify({ access_token: 'hunter2', id_token: 'hunter2', refresh_token: 'hunter2', name: text }),
  ]

  test.each(Object.keys(bodies) as OperationName[])('that %s sends, and receives in any field', async (name) => {
    const shape = requestShape(operationOf(name))
    const property = fc.asyncProperty(
      several,
      several,
      fc.constantFrom(...echoes),
      fc.nat({ max: 2 }),
      async (...given) => {
        const [value, other, echo, problems] = given
        const fails = problems > 0
        const secrets = new Secrets()
        const context = newCheck({ env: { KEY: value } })
        const inputs = Object.fromEntries(Object.entries(ids).slice(0, shape.operation.pathParameters.length))
        const request = buildRequest(shape, bodies[name]?.(value, other), inputs, context)
        expect(context.errors).toEqual([])
        secrets.add([...context.secrets, value, other])
        const finding = { message: `is not ${value}`, path: [other] }
        const step = stepOf({
          operation: shape.operation,
          request: { ...request, params: { ...request?.params, itemId: value } } as never,
          delivery: deliveryOf(fails ? 400 : 200, echo(other), { 'x-vercel-id': value }),
          outcome: { status: other },
          warnings: [finding],
          ...(fails && {
            failure: new Failure('internal_error', `Not ${other}`, {
              hint: `Not ${value}. ${other}`,
              vercelCode: value,
              diagnostics: problems > 1 ? [finding] : [],
            }),
          }),
        })
        const summary = await written(step, { secrets })
        expect(summary).not.toMatch(/hunter2|aHVudGVy/)
        expect(see(summary).headings[0]).toContain(name)
      },
    )
    await fc.assert(property, runs(40))
  })

  test.each([
    ['hunter2'.repeat(20), '⚠️ is not "Bearer ***…"'],
    [`hunter2${'x'.repeat(46)}`, '⚠️ is not "Bearer ***…"'],
    ['other', `⚠️ is not "Bearer ${'hunter2'.repeat(7)}hunt…"`],
  ])('that a message quotes the beginning of: %s', async (secret, shown) => {
    const secrets = new Secrets()
    secrets.add([secret])
    const text = secret === 'other' ? 'hunter2'.repeat(20) : `${secret} and more`
    const warnings = [{ message: `is not ${quote(`Bearer ${text}`)}` }]
    expect(see(await written(stepOf({ operation: operationOf('getMember'), warnings }), { secrets })).list).toEqual([
      shown,
    ])
  })

  test.each(['rotateInstallationCredential', 'exchangeSsoToken'])('that %s issues', async (name) => {
    const text = JSON.stringify({
      access_token: 'hunter2',
      refresh_token: 'hunter3',
      id_token: 'hunter4',
      x: 'hunter2',
    })
    const outcome = { status: 'accepted', accessToken: 'hunter2' }
    const summary = await written(stepOf({ operation: operationOf(name), delivery: deliveryOf(200, text), outcome }))
    expect(see(summary).paragraphs.join()).toContain('an access token, a refresh token, an ID token')
    expect(summary).not.toContain('hunter')
    expect(JSON.stringify(runner.outputs)).not.toMatch(/hunter[34]/)
  })
})
