// Once a request was sent, no way of reporting it hides what happened, even if something else fails.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openSecret } from '../../src/credentials/github-secret.ts'
import { toFailure } from '../../src/failure.ts'
import { main } from '../../src/main.ts'
import { openLog } from '../../src/report/log.ts'
import { systemClock } from '../../src/runtime.ts'
import { Secrets } from '../../src/secrets.ts'
import { type TestRunner, testRunner, testRuntime } from '../test-runner.ts'

const token = 'vct_1234567890abcdef'
const invoice = {
  invoiceDate: '2026-01-01T00:00:00Z',
  period: { start: '2026-01-01T00:00:00Z', end: '2026-02-01T00:00:00Z' },
  items: [{ billingPlanId: 'pro', name: 'Pro', price: '5.00', quantity: 1, units: 'month', total: '5.00' }],
}

interface Answer {
  readonly status?: number
  readonly body: string
}

/** Answers every request in the same way, and counts them. */
async function listen({ status = 200, body }: Answer) {
  let requests = 0
  const server = createServer((incoming, outgoing) => {
    requests++
    incoming.resume().on('end', () => {
      outgoing.writeHead(status, { 'content-type': 'application/json', 'x-vercel-id': 'fra1::abc' }).end(body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests: () => requests }
}

function summaryFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'failures-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'summary'), '')
  return join(folder, 'summary')
}

interface Run {
  readonly code: 0 | 1
  readonly runner: TestRunner
  /** Everything printed or set, in order. */
  readonly events: string[]
  readonly requests: number
}

/** Runs a step in process. `broken` names the outputs that cannot be written. */
async function runStep(
  inputs: Readonly<Record<string, string>>,
  answer: Answer,
  { broken = () => false, summary = summaryFile() }: { broken?: (name: string) => boolean; summary?: string } = {},
): Promise<Run> {
  const server = await listen(answer)
  const all = { 'api-url': server.url, 'max-attempts': '1', ...inputs }
  const runner = testRunner(all)
  const events: string[] = []
  const record =
    <A extends readonly unknown[]>(kind: string, call: (...args: A) => void) =>
    (...args: A) => {
      events.push(`${kind} ${args.slice(0, kind === 'output' ? 2 : 1).join('=')}`)
      call(...args)
    }
  const code = await main({
    ...testRuntime(all, {
      env: { GITHUB_STEP_SUMMARY: summary },
    }),
    runner: {
      ...runner,
      setSecret: record('mask', runner.setSecret),
      info: record('info', runner.info),
      error: record('error', runner.error),
      warning: record('warning', runner.warning),
      setOutput: record('output', (name: string, value: string) => {
        if (broken(name)) throw new Error('ENOSPC: no space left on device, write')
        runner.setOutput(name, value)
      }),
    },
  })
  return { code, runner, events, requests: server.requests() }
}

const reading = { operation: 'getInvoice', 'installation-id': 'icfg_1', 'invoice-id': 'inv_1', token }
const submitting = {
  operation: 'submitInvoice',
  payload: JSON.stringify({ integrationConfigurationId: 'icfg_1', ...invoice }),
  token,
}
const rotating = {
  operation: 'rotateInstallationCredential',
  payload: JSON.stringify({ integrationConfigurationId: 'icfg_1', clientSecret: 'hunter2-client-secret' }),
  token,
}
const exchanging = {
  operation: 'exchangeSsoToken',
  payload: JSON.stringify({ code: 'hunter2-code', clientId: 'oac_1', clientSecret: 'hunter2-client-secret' }),
}
const paid = { body: JSON.stringify({ invoiceId: 'inv_1', state: 'paid' }) }
const accepted = { body: JSON.stringify({ invoiceId: 'inv_1' }) }

test('the result is printed before any output is written', async () => {
  const { code, events } = await runStep(reading, paid)
  expect(code).toBe(0)
  const line = events.findIndex((event) => event.startsWith('info getInvoice: paid'))
  expect(line).toBeGreaterThan(-1)
  expect(events.findIndex((event) => event.startsWith('output'))).toBeGreaterThan(line)
})

test('so is the annotation of a failure', async () => {
  const { code, events } = await runStep(reading, {
    status: 404,
    body: '{"error":{"code":"not_found","message":"no"}}',
  })
  expect(code).toBe(1)
  const annotation = events.findIndex((event) => event.startsWith('error'))
  expect(annotation).toBeGreaterThan(-1)
  expect(events.findIndex((event) => event.startsWith('output'))).toBeGreaterThan(annotation)
})

describe('outputs that cannot be written', () => {
  test('fail the step, which says so and what happened at its end', async () => {
    const summary = summaryFile()
    const isLate = (name: string) => !['operation', 'digest', 'externalId'].includes(name)
    const { code, runner, events } = await runStep(submitting, accepted, { broken: isLate, summary })
    expect(code).toBe(1)
    expect(runner.lines.at(-1)).toBe('submitInvoice: accepted, invoice inv_1')
    expect(events.at(-1)).toMatch(
      /^error The outputs .*status, .*result could not be written: ENOSPC.*What happened: accepted, invoice inv_1\. Do not send it again/,
    )
    expect(readFileSync(summary, 'utf8')).toContain('could not be written: ENOSPC')
  })

  test('do not keep the others from being written', async () => {
    const { code, runner } = await runStep(reading, paid, { broken: (name) => name === 'result' })
    expect(code).toBe(1)
    expect(runner.outputs).toMatchObject({ status: 'paid', httpStatus: '200', requestId: 'fra1::abc', attempts: '1' })
  })

  test('end the step before it sends, if one is to be set before', async () => {
    const { code, runner, requests } = await runStep(submitting, accepted, { broken: (name) => name === 'externalId' })
    expect(code).toBe(1)
    expect(requests).toBe(0)
    expect(runner.outputs).toMatchObject({ errorCode: 'output_failed', status: 'failed' })
    expect(runner.errors[0]).toMatch(/The output externalId could not be written: ENOSPC.*Nothing was sent/)
  })
})

test('a summary that cannot be written is a warning, and the outputs are written', async () => {
  const { code, runner } = await runStep(reading, paid, { summary: join(summaryFile(), 'none') })
  expect(code).toBe(0)
  expect(runner.outputs.status).toBe('paid')
  expect(runner.warnings.at(-1)).toContain('the job summary could not be written: ENOTDIR')
})

describe('a response of any shape is reported', () => {
  // A function that calls itself for each level would exceed the stack.
  const deep = 12_000
  const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`
  const bodies: Record<string, string> = {
    'nested lists': nested(deep),
    'nested objects': `${'{"a":'.repeat(deep)}1${'}'.repeat(deep)}`,
    'an invoice with a nested field': `{"invoiceId":"inv_1","state":"paid","a":${nested(deep)}}`,
    'nested lists without an end': '['.repeat(deep),
    'a text of brackets': JSON.stringify({ invoiceId: 'inv_1', state: 'paid', a: nested(deep) }),
    'a huge text': JSON.stringify({ state: 'paid', a: ' \n'.repeat(20_000) }),
    'many fields': JSON.stringify(Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`f${index}`, index]))),
    'odd names': '{"__proto__":{"state":"paid"},"constructor":null,"toString":1,"state":{"a":1}}',
  }

  test.each(Object.entries(bodies))('%s', async (_, body) => {
    for (const step of [reading, submitting, rotating, exchanging]) {
      const { code, runner, requests } = await runStep(step, { body })
      expect(requests).toBe(1)
      expect(runner.lines.at(-1), runner.errors.join()).toMatch(new RegExp(`^${step.operation}: `))
      expect(code).toBe(0)
      expect(runner.outputs.httpStatus).toBe('200')
      const result: unknown = JSON.parse(runner.outputs.result ?? '')
      // A response that may have tokens is redacted. One that is not JSON, or too deep, is a text.
      if (step === rotating || step === exchanging) expect(['object', 'string']).toContain(typeof result)
      else if (result !== body) expect(JSON.stringify(result)).toBe(JSON.stringify(JSON.parse(body)))
    }
  })

  test.each(Object.entries(bodies))('%s, of a refusal', async (_, body) => {
    for (const step of [reading, submitting, rotating, exchanging]) {
      const { code, runner } = await runStep(step, { body, status: 400 })
      expect(code).toBe(1)
      expect(runner.outputs).toMatchObject({ status: 'failed', errorCode: 'http_400', httpStatus: '400' })
    }
  })

  test('one that nests too deeply as its text', async () => {
    const { runner } = await runStep(reading, { body: nested(deep) })
    expect(JSON.parse(runner.outputs.result ?? '')).toBe(nested(deep))
  })
})

describe('a token under an unexpected field', () => {
  const body = JSON.stringify({
    token_type: 'oauth2-token',
    expires_in: 3600,
    scope: 'read:billing',
    installation_id: 'icfg_1',
    accessKey: 'hunter2-new-token',
    data: { tokens: ['hunter2-other-token', { deep: 'hunter2-deep-token' }], count: 2 },
    id_token: 'hunter2-id-token',
  })

  test.each([rotating, exchanging])('is masked before it can be printed: $operation', async (step) => {
    const { runner, events } = await runStep(step, { body })
    expect(JSON.parse(runner.outputs.result ?? '')).toEqual({
      token_type: 'oauth2-token',
      expires_in: 3600,
      scope: 'read:billing',
      installation_id: 'icfg_1',
      accessKey: '***',
      data: { tokens: ['***', { deep: '***' }], count: 2 },
      id_token: '***',
    })
    const hidden = ['hunter2-new-token', 'hunter2-other-token', 'hunter2-deep-token', 'hunter2-id-token']
    for (const value of hidden) {
      const masked = events.indexOf(`mask ${value}`)
      expect(masked, value).toBeGreaterThan(-1)
      expect(events.findIndex((event) => event.includes(value))).toBe(masked)
    }
    expect(runner.masks).not.toContain('read:billing')
  })

  test('of a body that is not JSON is not shown', async () => {
    const { runner } = await runStep(rotating, { body: '{"access_token":"hunter2-new-token",' })
    expect(runner.outputs.result).toBe('"***"')
  })

  test('is shown where the operation issues none', async () => {
    const { runner } = await runStep(reading, { body: '{"state":"paid","memo":"thanks"}' })
    expect(JSON.parse(runner.outputs.result ?? '')).toEqual({ state: 'paid', memo: 'thanks' })
  })

  test('does not hide why a rotation was refused', async () => {
    const { runner } = await runStep(rotating, {
      status: 403,
      body: '{"error":{"code":"forbidden","message":"not yours","debug":"hunter2-new-token"}}',
    })
    expect(JSON.parse(runner.outputs.result ?? '')).toEqual({
      error: { code: 'forbidden', message: 'not yours', debug: '***' },
    })
    expect(runner.masks).toContain('hunter2-new-token')
  })
})

test('a token that cannot be an output is left out with a warning', async () => {
  const body = JSON.stringify({
    access_token: 'hunter2\ntwo-lines',
    token_type: 'oauth2-token',
    scope: '',
    expires_in: 1,
  })
  const { code, runner } = await runStep(rotating, { body })
  expect(code).toBe(0)
  expect(runner.outputs).not.toHaveProperty('accessToken')
  expect(runner.warnings.join()).toContain('The output accessToken is left out')
})

test('ids do not repeat a secret, and a status is a word even if it is a secret', async () => {
  const body = JSON.stringify({ invoiceId: `inv_${token}`, externalId: `x\n${token.toUpperCase()}`, state: 'paid' })
  const { runner } = await runStep({ ...reading, token: token, 'github-token': '' }, { body })
  expect(runner.outputs).toMatchObject({ invoiceId: 'inv_***', externalId: 'x · ***', status: 'paid' })
  const word = await runStep({ ...reading, token: 'paid' }, paid)
  expect(word.runner.outputs.status).toBe('paid')
})

describe('a token that a message was cut in', () => {
  const secret = 'ghs_a1B2c3D4e5F6g7H8i9J0k1L2'

  test.each([300 - 20, 300 - 10, 300 - 4])('of GitHub, after %i characters, is redacted', async (before) => {
    const text = JSON.stringify({ message: `${'x '.repeat(before / 2)}${secret} is not allowed` })
    const headers = { 'content-type': 'application/json' }
    const never = new AbortController().signal
    const github = openSecret({
      place: { name: 'TOKEN', repository: 'octo/repo', environment: undefined, organization: undefined },
      token: secret,
      transport: { send: async () => ({ status: 403, headers, text }), close() {} },
      apiUrl: 'https://api.github.com',
      limits: { maxAttempts: 1, attemptTimeoutMs: 1000, retryTimeoutMs: 1000 },
      clock: systemClock,
      random: () => 0.5,
      signal: never,
      abort: never,
      log: { info() {} },
    })
    const failure = toFailure(await github.verifyAccess().catch((error: unknown) => error))
    const secrets = new Secrets()
    secrets.add([secret])
    const runner = testRunner()
    openLog(runner, secrets).fail([{ message: failure.text }], 'title')
    expect(runner.errors.join()).toMatch(/GitHub refused GET .* with 403: (x )+\*\*\*…/)
  })

  test.each([1000 - 20, 1000 - 10, 1000 - 4])('of Vercel, after %i characters, is redacted', async (before) => {
    for (const spelled of [token, encodeURIComponent(token), token.toUpperCase()]) {
      const body = JSON.stringify({
        error: { code: 'no', message: `${'x '.repeat(before / 2)}${spelled} is not allowed` },
      })
      const { runner, events } = await runStep(reading, { status: 400, body })
      expect(runner.errors.join()).toMatch(/with 400 no: (x )+\*\*\*…/)
      expect(events.filter((event) => !event.startsWith('mask')).join()).not.toMatch(/vct_/i)
    }
  })
})
