// What a network does to a step: certificates, answers that stop halfway, answers without end.

import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { type Fault, startSandboxServer } from '../../src/sandbox/server.ts'
import { makeCertificates } from './certificates.ts'
import { changed, installation, token } from './invoices.ts'
import { runStep } from './step.ts'

const account = { name: 'Team', url: 'https://vercel.com/team', contact: { email: 'a@example.com', name: 'A' } }
const json = { 'content-type': 'application/json' }
const get = { operation: 'getAccountInfo', 'installation-id': installation, token }

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer)
  onTestFinished(() => server.closeAllConnections())
  return `http://127.0.0.1:${await listen(server)}`
}

async function behindTls(dates = {}) {
  const { authority, cert, key } = makeCertificates(dates)
  let connections = 0
  const server = createTlsServer({ cert, key }, (_, outgoing) =>
    outgoing.writeHead(200, json).end(JSON.stringify(account)),
  )
  server.on('connection', () => connections++)
  const port = await listen(server)
  return { authority, port, inputs: { ...get, 'api-url': `https://127.0.0.1:${port}` }, seen: () => connections }
}

test('a certificate of an authority in NODE_EXTRA_CA_CERTS is trusted', async () => {
  const { authority, inputs } = await behindTls()
  const files = { 'authority.pem': authority }
  const step = await runStep({ with: inputs, files, env: { NODE_EXTRA_CA_CERTS: 'authority.pem' } })
  expect(step).toMatchObject({ code: 0, warnings: [], outputs: { result: JSON.stringify(account) } })
})

test.each([
  ['of an unknown authority', {}, '127.0.0.1', /not trusted \(UNABLE_TO_VERIFY_LEAF_SIGNATURE\).*NODE_EXTRA_CA_CERTS/],
  ['that has expired', { year: 2021 }, '127.0.0.1', /out of date.*\(CERT_HAS_EXPIRED\)/],
  ['for another host', {}, 'localhost', /for another host \(ERR_TLS_CERT_ALTNAME_INVALID\)/],
])(
  'a certificate %s is a connection that never opened: it is tried again, and nothing was done',
  async (title, dates, host, error) => {
    const { authority, port, inputs, seen } = await behindTls(dates)
    const known = { files: { 'authority.pem': authority }, env: { NODE_EXTRA_CA_CERTS: 'authority.pem' } }
    const step = await runStep({
      with: { ...inputs, 'api-url': `https://${host}:${port}`, 'max-attempts': '2' },
      ...(title !== 'of an unknown authority' && known),
    })
    expect(step.errors).toEqual([expect.stringMatching(error)])
    expect(step.errors[0]).toContain('Nothing was done')
    expect(step.outputs).toMatchObject({ errorCode: 'unopened', attempts: '2' })
    expect(seen()).toBe(2)
  },
)

test('a host that speaks no TLS is asked whether it does', async () => {
  const url = await serve((_, outgoing) => outgoing.end())
  const step = await runStep({ with: { ...get, 'api-url': url.replace('http', 'https'), 'max-attempts': '1' } })
  expect(step.errors).toEqual([expect.stringMatching(/TLS failed \(\w+\): is https spoken there\?.*Nothing was done/)])
})

test.each<[why: string, status: number, type: Record<string, string>, body: string]>([
  ['200 without a body', 200, json, ''],
  ['it is not JSON', 200, json, 'Thank you'],
  ['unexpected at contact (invalid_union)', 200, json, '{"name":"T","contact":1}'],
  ['unexpected as 202 with application/json', 202, json, '{"name":"T"}'],
  ['unexpected as 200 with text/html', 200, { 'content-type': 'text/html' }, '<p>'],
  ['unexpected as 200 with no content-type', 200, {}, '{"name":"T"}'],
])('a 2xx that the SDK cannot read is a success, and the warning says why: %s', async (why, status, headers, body) => {
  const url = await serve((_, outgoing) => outgoing.writeHead(status, headers).end(body))
  const step = await runStep({ with: { ...get, 'api-url': url } })
  expect(step.warnings).toEqual([
    `Vercel accepted the request, but @vercel/sdk cannot read the response: ${why}. \`result\` contains the response body as received`,
  ])
  const result = body.startsWith('{') ? body : JSON.stringify(body || null)
  expect(step).toMatchObject({ code: 0, outputs: { status: 'accepted', httpStatus: String(status), result } })
})

const halves: Fault['type'][] = ['halt', 'cut']
const invoice = { operation: 'submitInvoice', token, payload: changed({ externalId: undefined }) }

test.each(
  halves.flatMap((type) => [
    { type, of: 'a read', inputs: get, outcome: { code: 0, outputs: { status: 'accepted', attempts: '2' } } },
    { type, of: 'an invoice', inputs: invoice, outcome: { code: 0, outputs: { status: 'duplicate', attempts: '2' } } },
    {
      type,
      of: 'an invoice without a key',
      inputs: { ...invoice, 'external-id': 'none' },
      outcome: { code: 1, outputs: { errorCode: 'outcome_unknown', attempts: '1' } },
    },
  ]),
)('a 2xx that stops halfway is unclear: $type, for $of', async ({ type, inputs, outcome }) => {
  const faults = [{ type } as Fault]
  const server = await startSandboxServer({ faults: () => faults.shift() })
  onTestFinished(server.close)
  const step = await runStep({ with: { ...inputs, 'api-url': server.url, 'attempt-timeout': '1' } })
  expect(step).toMatchObject(outcome)
  expect(server.arrivals).toHaveLength(Number(outcome.outputs.attempts))
  const told = [...step.lines, ...step.errors].join('\n')
  expect(told).toContain(type === 'halt' ? 'no complete response within 1 s' : 'broke before the response was complete')
  if (outcome.code === 1) expect(step.errors[0]).toMatch(/The outcome is unknown.*billed twice/)
})

const mebibyte = 2 ** 20
const limit = 10 * mebibyte

test('an answer of 10 MiB is read', async () => {
  const text = JSON.stringify(account).padEnd(limit)
  const step = await runStep({
    with: { ...get, 'api-url': await serve((_, outgoing) => outgoing.writeHead(200, json).end(text)) },
  })
  expect(step).toMatchObject({ code: 0, warnings: [], outputs: { result: JSON.stringify(account) } })
})

test.each([
  ['is a byte longer', 1],
  ['never ends', Number.POSITIVE_INFINITY],
])('an invoice whose answer of over 10 MiB %s was taken, and no more is read', async (_, over) => {
  let sent = 0
  const url = await serve((incoming, outgoing) => {
    const more = () => {
      while (!outgoing.destroyed && sent < limit + over) {
        const size = Math.min(mebibyte, limit + over - sent)
        sent += size
        if (!outgoing.write(Buffer.alloc(size, 'x'))) return void outgoing.once('drain', more)
      }
      outgoing.end()
    }
    incoming.resume().once('end', more)
  })
  const step = await runStep({ with: { ...invoice, 'api-url': url } })
  expect(step).toMatchObject({ code: 0, outputs: { status: 'accepted', httpStatus: '200', result: 'null' } })
  expect(step.warnings).toEqual([
    'Vercel accepted the request, but the response is longer than 10 MiB and was not read: `result` is null',
  ])
  // What lies in the sockets' buffers has been sent and not read.
  expect(sent).toBeLessThan(limit + 16 * mebibyte)
})
