// Network problems of a step: certificates, proxies, incomplete responses, responses that are too long.

import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { type Fault, startSandboxServer } from '../../src/sandbox/server.ts'
import { answerWith, serverName, startProxy, startServer } from '../http/proxies.ts'
import { fastTimers, jumpingClock } from '../waits.ts'
import { makeCertificates } from './certificates.ts'
import { runConcurrently } from './concurrently.ts'
import { startGitHub } from './github.ts'
import { changed, installation, token } from './invoices.ts'
import { runStep, runStepInProcess, type StepOptions, startStep } from './step.ts'

const account = { name: 'Team', url: 'https://vercel.com/team', contact: { email: 'a@example.com', name: 'A' } }
const json = { 'content-type': 'application/json' }
const get = { operation: 'getAccountInfo', 'installation-id': installation, token }

/** Runs a step without waits, for tests of what does not depend on the process. */
const runInProcess = (options: StepOptions) => runStepInProcess({ ...options, clock: jumpingClock() })

/** Listens on a free port of loopback, until the test ends. @returns the port */
async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

/** Starts an HTTP server, which is closed after the test. @returns its URL */
async function serve(respond: RequestListener): Promise<string> {
  const server = createServer(respond)
  onTestFinished(() => server.closeAllConnections())
  return `http://127.0.0.1:${await listen(server)}`
}

/** Starts a TLS server with a certificate of its own authority. `connections()` counts the connections to it. */
async function startTlsServer(dates = {}) {
  const { authority, cert, key } = makeCertificates(dates)
  let opened = 0
  const server = createTlsServer({ cert, key }, (_, outgoing) =>
    outgoing.writeHead(200, json).end(JSON.stringify(account)),
  )
  server.on('connection', () => opened++)
  const port = await listen(server)
  return { authority, port, inputs: { ...get, 'api-url': `https://127.0.0.1:${port}` }, connections: () => opened }
}

test('a certificate of an authority in NODE_EXTRA_CA_CERTS is trusted', async () => {
  const { authority, inputs } = await startTlsServer()
  const files = { 'authority.pem': authority }
  const step = await runStep({ with: inputs, files, env: { NODE_EXTRA_CA_CERTS: 'authority.pem' } })
  expect(step).toMatchObject({ code: 0, warnings: [], outputs: { result: JSON.stringify(account) } })
})

test.each([
  ['of an unknown authority', {}, '127.0.0.1', /not trusted \(UNABLE_TO_VERIFY_LEAF_SIGNATURE\).*NODE_EXTRA_CA_CERTS/],
  ['that has expired', { year: 2021 }, '127.0.0.1', /out of date.*\(CERT_HAS_EXPIRED\)/],
  ['for another host', {}, 'localhost', /for another host \(ERR_TLS_CERT_ALTNAME_INVALID\)/],
])(
  'with a certificate %s no connection opens: the step retries, and the error says that nothing was done',
  async (title, dates, host, error) => {
    const { authority, port, inputs, connections } = await startTlsServer(dates)
    const known = { files: { 'authority.pem': authority }, env: { NODE_EXTRA_CA_CERTS: 'authority.pem' } }
    const isKnown = title !== 'of an unknown authority'
    // Only a process reads certificates of authorities.
    const step = await (isKnown ? runStep : runInProcess)({
      with: { ...inputs, 'api-url': `https://${host}:${port}`, 'max-attempts': '2' },
      ...(isKnown && known),
    })
    expect(step.errors).toEqual([expect.stringMatching(error)])
    expect(step.errors[0]).toContain('Nothing was done')
    expect(step.outputs).toMatchObject({ errorCode: 'unopened', attempts: '2' })
    expect(connections()).toBe(2)
  },
)

test('if the host does not speak TLS, the error asks whether it does', async () => {
  const url = await serve((_, outgoing) => outgoing.end())
  const step = await runInProcess({ with: { ...get, 'api-url': url.replace('http', 'https'), 'max-attempts': '1' } })
  expect(step.errors).toEqual([
    expect.stringMatching(/TLS failed \(\w+\): check that https is spoken there\. Nothing was done/),
  ])
})

test.each<[why: string, status: number, type: Record<string, string>, body: string]>([
  ['200 without a body', 200, json, ''],
  ['it is not JSON', 200, json, 'Thank you'],
  ['unexpected at contact (invalid_union)', 200, json, '{"name":"T","contact":1}'],
  ['unexpected as 202 with application/json', 202, json, '{"name":"T"}'],
  ['unexpected as 200 with text/html', 200, { 'content-type': 'text/html' }, '{"name":"T"}'],
  ['unexpected as 200 with no content-type', 200, {}, '{"name":"T"}'],
])('a 2xx response that the SDK cannot read is a success with a warning: %s', async (why, status, headers, body) => {
  const url = await serve((_, outgoing) => outgoing.writeHead(status, headers).end(body))
  const step = await runInProcess({ with: { ...get, 'api-url': url } })
  expect(step.warnings).toEqual([
    `Vercel accepted the request, but @vercel/sdk cannot read the response: ${why}. \`result\` ${body === '' ? 'is null' : 'contains the response body as received'}`,
  ])
  const result = body.startsWith('{') ? body : JSON.stringify(body || null)
  expect(step).toMatchObject({ code: 0, outputs: { status: 'accepted', httpStatus: String(status), result } })
})

interface ExpectedOutcome {
  readonly code: number
  readonly outputs: Record<string, string>
}

const incomplete: Fault['type'][] = ['halt', 'cut']
const invoice = { operation: 'submitInvoice', token, payload: changed({ externalId: undefined }) }

const incompleteCases: { of: string; inputs: Record<string, string>; outcome: ExpectedOutcome }[] = [
  { of: 'a read', inputs: get, outcome: { code: 0, outputs: { status: 'accepted', attempts: '2' } } },
  { of: 'an invoice', inputs: invoice, outcome: { code: 0, outputs: { status: 'duplicate', attempts: '2' } } },
  {
    of: 'an invoice without an externalId',
    inputs: { ...invoice, 'external-id': 'none' },
    outcome: { code: 1, outputs: { errorCode: 'outcome_unknown', attempts: '1' } },
  },
]

test.each(incomplete)('after an incomplete 2xx response the outcome is unknown: %s', async (type) => {
  await runConcurrently(
    incompleteCases,
    ({ inputs, outcome }) => expectUnknownOutcome(type, inputs, outcome),
    (one) => one.of,
  )
})

async function expectUnknownOutcome(type: Fault['type'], inputs: Record<string, string>, outcome: ExpectedOutcome) {
  const faults = [{ type } as Fault]
  const server = await startSandboxServer({ faults: () => faults.shift() })
  onTestFinished(server.close)
  const step = await runInProcess({ with: { ...inputs, 'api-url': server.url, 'attempt-timeout': '1' } })
  expect(step).toMatchObject(outcome)
  expect(server.arrivals).toHaveLength(Number(outcome.outputs.attempts))
  const output = [...step.lines, ...step.errors].join('\n')
  expect(output).toContain(
    type === 'halt' ? 'no complete response within 1 s' : 'broke before the response was complete',
  )
  if (outcome.code === 1) expect(step.errors[0]).toMatch(/The outcome is unknown.*billed twice/)
}

const mebibyte = 2 ** 20
const limit = 10 * mebibyte

test('a response of 10 MiB is read', async () => {
  const text = JSON.stringify(account).padEnd(limit)
  const step = await runInProcess({
    with: { ...get, 'api-url': await serve((_, outgoing) => outgoing.writeHead(200, json).end(text)) },
  })
  expect(step).toMatchObject({ code: 0, warnings: [], outputs: { result: JSON.stringify(account) } })
})

test.each([
  ['is a byte longer', 1],
  ['never ends', Number.POSITIVE_INFINITY],
])('a response of more than 10 MiB that %s is not read to its end, and the invoice is accepted', async (_, over) => {
  let sent = 0
  const url = await serve((incoming, outgoing) => {
    const write = () => {
      while (!outgoing.destroyed && sent < limit + over) {
        const size = Math.min(mebibyte, limit + over - sent)
        sent += size
        if (!outgoing.write(Buffer.alloc(size, 'x'))) return void outgoing.once('drain', write)
      }
      outgoing.end()
    }
    incoming.resume().once('end', write)
  })
  const step = await runInProcess({ with: { ...invoice, 'api-url': url } })
  expect(step).toMatchObject({ code: 0, outputs: { status: 'accepted', httpStatus: '200', result: 'null' } })
  expect(step.warnings).toEqual([
    'Vercel accepted the request, but the response is longer than 10 MiB and was not read: `result` is null',
    expect.stringContaining('Do not send the request again'),
  ])
  // The server counts bytes in the buffers of the sockets as sent, although the step does not read them.
  expect(sent).toBeLessThan(limit + 16 * mebibyte)
})

/** A step whose API is behind a proxy. The name of its host leads nowhere else. */
async function behindProxy(answer: Parameters<typeof startProxy>[0], inputs: Record<string, string> = get) {
  const server = await startServer(answerWith(account))
  const proxy = await startProxy(answer, server)
  const step: StepOptions = {
    with: { ...inputs, 'api-url': server.url, 'attempt-timeout': '1', 'max-attempts': '2' },
    files: { 'authority.pem': server.authority },
    env: { NODE_EXTRA_CA_CERTS: 'authority.pem', HTTPS_PROXY: `http://${proxy.address}` },
  }
  return { server, proxy, step }
}

test('requests go through the tunnel of a proxy, except to the hosts of NO_PROXY', async () => {
  const { server, proxy, step } = await behindProxy('tunnel')
  const { HTTPS_PROXY = '', ...env } = step.env ?? {}
  const result = JSON.stringify(account)
  expect(await runStep(step)).toMatchObject({ code: 0, warnings: [], outputs: { result, attempts: '1' } })
  const lower = await runStep({ ...step, env: { ...env, https_proxy: HTTPS_PROXY.replace('http://', '') } })
  expect(lower).toMatchObject({ code: 0, outputs: { result } })
  expect(proxy.heads).toEqual([1, 2].map(() => expect.stringContaining(`CONNECT ${serverName}:${server.port} `)))
  const direct = await runInProcess({ ...step, env: { ...env, HTTPS_PROXY, NO_PROXY: `other.test, .${serverName}` } })
  expect(direct.errors).toEqual([expect.stringContaining('the name of the host could not be resolved')])
  expect(proxy.connections).toBe(2)
  expect(server.requests).toHaveLength(2)
})

test('a step that succeeds after its proxy has refused ends with its report', async () => {
  const { proxy, step } = await behindProxy((request) => (request === 0 ? 502 : 'tunnel'))
  expect(await runStep(step)).toMatchObject({ code: 0, outputs: { status: 'accepted', attempts: '2' } })
  expect(proxy.heads).toHaveLength(2)
})

test('a proxy that refuses is named, and neither Vercel nor a credential is', async () => {
  const { server, proxy, step } = await behindProxy(407)
  const HTTPS_PROXY = `http://proxy-user:p%40ss-w0rd@${proxy.address}`
  const env = { ...step.env, HTTPS_PROXY }
  const { code, errors, outputs, masks, lines, summary } = await runInProcess({ ...step, env })
  expect({ code, errors }).toEqual({
    code: 1,
    errors: [
      `getAccountInfo got no answer: the proxy ${proxy.address} refused the connection with 407: check the user and password in HTTPS_PROXY. Nothing was done`,
    ],
  })
  expect(outputs).toMatchObject({ errorCode: 'unopened', attempts: '2' })
  expect(server.requests).toEqual([])
  const basic = Buffer.from('proxy-user:p@ss-w0rd').toString('base64')
  const credentials = ['proxy-user', 'p@ss-w0rd', 'p%40ss-w0rd', 'proxy-user:p@ss-w0rd', basic]
  expect(masks).toEqual(expect.arrayContaining(credentials))
  for (const credential of credentials) expect([...lines, ...errors, summary].join('\n')).not.toContain(credential)
})

test('a step whose proxy is silent obeys SIGTERM and SIGINT', async () => {
  await runConcurrently(['SIGTERM', 'SIGINT'] as const, async (signal) => {
    const { proxy, step } = await behindProxy('silence')
    const env = { ...step.env, NODE_OPTIONS: fastTimers }
    const { child, done } = startStep({ ...step, env, with: { ...step.with, 'attempt-timeout': '600' } })
    await proxy.nextRequest()
    child.kill(signal)
    const { code, errors, outputs } = await done
    expect({ code, errors, outputs }).toMatchObject({
      code: 1,
      errors: [expect.stringContaining('cancelled')],
      outputs: { status: 'failed', errorCode: 'cancelled', attempts: '1' },
    })
  })
})

test.each([
  ['socks5://alice:s3cret@127.0.0.1:1080', 'names a SOCKS proxy'],
  ['http://alice:s3cret#1@127.0.0.1:3128', 'has a reserved character in its user or password'],
  ['http://alice:s3cret@127.0.0.1:99999', 'has a port that cannot be used'],
])('a proxy that cannot be used is an invalid input, and nothing is sent: %s', async (HTTPS_PROXY, problem) => {
  const server = await startSandboxServer()
  onTestFinished(server.close)
  const env = { HTTPS_PROXY }
  for (const inputs of [get, { ...invoice, 'dry-run': 'true' }]) {
    const step = await runInProcess({ with: { ...inputs, 'api-url': server.url }, env })
    expect(step).toMatchObject({ code: 1, outputs: { errorCode: 'invalid_input' } })
    expect(step.errors).toEqual([expect.stringMatching(`^HTTPS_PROXY ${problem}`)])
    expect([...step.lines, ...step.errors, step.summary].join('\n')).not.toMatch(/s3cret|:1080|99999/)
  }
  const batch = { operation: 'submitInvoice', token, 'batch-file': 'b.ndjson', 'api-url': server.url }
  const files = { 'b.ndjson': invoice.payload.replaceAll('\n', ' ') }
  const step = await runInProcess({ with: batch, files, env })
  expect(step.outputs).toMatchObject({ errorCode: 'invalid_input' })
  expect(step.outputs.journalFile).toBeUndefined()
  expect(server.arrivals).toEqual([])
})

test.each(['http://api.github.example', 'ftp://127.0.0.1', 'not a URL', 'https://user:pw@api.github.com'])(
  'GITHUB_API_URL %s is refused before anything is rotated',
  async (GITHUB_API_URL) => {
    const server = await startSandboxServer()
    onTestFinished(server.close)
    const github = await startGitHub()
    const inputs = {
      operation: 'rotateInstallationCredential',
      'installation-id': installation,
      token,
      payload: '{"clientId":"oac_1","clientSecret":"client-secret-1"}',
      'store-secret': 'INSTALLATION_TOKEN',
      'github-token': 'github-token-1',
    }
    const step = await runInProcess({ with: { ...inputs, 'api-url': server.url }, env: { GITHUB_API_URL } })
    expect(step.outputs).toMatchObject({ status: 'failed', errorCode: 'invalid_input' })
    expect(step.errors).toEqual([expect.stringMatching(/^GITHUB_API_URL must be .* https:\/\/.*set it to https:/)])
    expect([server.arrivals, github.calls]).toEqual([[], []])
  },
)

/** Has the look-up of every name take a minute. */
const slowLookup = `data:text/javascript,${encodeURIComponent(`
  import dns from 'node:dns'
  dns.lookup = (name, options, done) => void setTimeout(() => done(new Error(name)), 1_200_000)
`)}`

test('a name that is still looked up does not hold up the end of a step', async () => {
  const step = await runStep({
    with: { ...get, 'api-url': 'https://marketplace.test', 'attempt-timeout': '1', 'max-attempts': '1' },
    env: { NODE_OPTIONS: `${fastTimers} --import ${slowLookup}` },
  })
  expect(step).toMatchObject({ code: 1, outputs: { errorCode: 'unopened' } })
  expect(step.errors).toEqual([expect.stringContaining('no complete response within 1 s')])
})
