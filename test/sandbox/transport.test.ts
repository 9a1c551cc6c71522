// `api-url: sandbox`: the steps of a job share one Marketplace.

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openSandbox, sandboxUrl, stateFile } from '../../src/sandbox/transport.ts'
import { invoice } from './sandbox.ts'

const invoices = `${sandboxUrl}/v1/installations/icfg_1/billing/invoices`

const wire = (method: string, url: string, body?: object) => ({
  method,
  url: new URL(url),
  headers: { authorization: 'Bearer t' },
  body: body && JSON.stringify(body),
})

function job() {
  const temp = mkdtempSync(join(tmpdir(), 'job-'))
  onTestFinished(() => rmSync(temp, { recursive: true, force: true }))
  const open = () => openSandbox({ env: { RUNNER_TEMP: temp }, now: () => new Date() })
  /** Each step opens its own sandbox. */
  const step = async (method: string, url: string, body?: object) => {
    const transport = open()
    const answer = await transport.send(wire(method, url, body), { timeoutMs: 1000 })
    transport.close()
    return answer
  }
  return { temp, open, step }
}

test('an invoice of one step is read by the next', async () => {
  const { step, temp } = job()
  const submitted = await step('POST', invoices, invoice)
  expect(submitted).toMatchObject({ status: 200, headers: { 'content-type': 'application/json' } })
  expect(submitted.headers['x-vercel-id']).toMatch(/^sandbox1::/)
  const { invoiceId } = JSON.parse(submitted.text)
  const states = []
  for (let read = 0; read < 3; read++)
    states.push(JSON.parse((await step('GET', `${invoices}/${invoiceId}`)).text).state)
  expect(states).toEqual(['pending', 'invoiced', 'paid'])
  expect(readFileSync(join(temp, stateFile), 'utf8')).toContain(invoiceId)
})

test("concurrent steps see each other's changes", async () => {
  const { open, step } = job()
  const background = open()
  onTestFinished(background.close)
  const body = { ...invoice, externalId: 'ours-1' }
  expect((await step('POST', invoices, body)).status).toBe(200)
  expect((await background.send(wire('POST', invoices, body), { timeoutMs: 1000 })).status).toBe(409)
})

test('jobs do not share state', async () => {
  const [one, two] = [job(), job()]
  const body = { ...invoice, externalId: 'ours-1' }
  expect((await one.step('POST', invoices, body)).status).toBe(200)
  expect((await two.step('POST', invoices, body)).status).toBe(200)
  expect((await one.step('POST', invoices, body)).status).toBe(409)
})

test('a response without a body is empty text and has no content type', async () => {
  const { step } = job()
  const answer = await step('POST', invoices.replace('/invoices', '/finalize'))
  expect(answer).toMatchObject({ status: 204, text: '' })
  expect(answer.headers['content-type']).toBeUndefined()
})

test('an error is JSON, as in the API', async () => {
  const { step } = job()
  const { status, text } = await step('GET', `${invoices}/inv_none`)
  expect([status, JSON.parse(text)]).toEqual([
    404,
    { error: { code: 'not_found', message: 'Invoice inv_none not found' } },
  ])
})

test('without RUNNER_TEMP the state is in the temporary folder', () => {
  const { temp } = job()
  const before = process.env.TMPDIR
  onTestFinished(() => {
    if (before === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = before
  })
  process.env.TMPDIR = temp
  openSandbox({ env: {}, now: () => new Date() }).close()
  expect(existsSync(join(temp, stateFile))).toBe(true)
})
