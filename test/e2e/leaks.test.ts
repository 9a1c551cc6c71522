// Every operation, with every outcome, against a server that repeats all secrets that it may have received, in every
// encoding. With debug logging on, no secret appears in the log, the outputs, the summary or a file. The steps run in
// process, and some as the built action.

import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { encodeHTML, escapeUTF8 } from 'entities'
import { expect, onTestFinished, test } from 'vitest'
import { exampleSecrets } from '../../scripts/examples.ts'
import { type Operation, type OperationName, operationNamed, operations } from '../../src/operations/catalogue.ts'
import { examplePayload, type Fields } from '../example-payloads.ts'
import { folderOnDisk } from '../folder-in-memory.ts'
import { holdTimeouts, jumpingClock } from '../waits.ts'
import { ndjson } from './batches.ts'
import { runConcurrently } from './concurrently.ts'
import { startGitHub } from './github.ts'
import { runStep, runStepInProcess, type StepOptions, type StepResult, scratch } from './step.ts'

// The secrets contain what some encoding escapes. Only a space in a token and a colon in a password are not possible.
const token = 'vct-"Tk1\\%41&+/?>=~7Yk2mQ'
const proxy = { user: 'proxy-user', password: 'pr0xy"\\%&+ä-9Xw4' }
const inline = 'pg://u:"In1\\x%&+ß@db\nsecond-Line-3Bn7%0A'
const fromEnv = 'env-"Ev2\\%&+é-8Uj1'
const fromFile = 'file-"Fl3\\%&+ñ\nof-two-Lines-4Gh5'
const refreshToken = 'rt-"Rf6\\%&+-7Lp8'
const issued = {
  idToken: 'idt-"Id7\\%&+-1Qa2',
  accessToken: 'vct-"Ac8\\%&+-3Sx4',
  refreshToken: 'vcr-"Re9\\%&+-5Dc6',
}

const { SSO_STATE, ...secretNames } = exampleSecrets
/** A secret for each reference of the examples. The state of a sign-in is not a secret. */
const inlineSecrets: Record<string, string> = {
  ...Object.fromEntries(Object.keys(secretNames).map((name) => [name, `${name}-"Zq8\\n%&+ü ö-5Rt6`])),
  DATABASE_URL: inline,
}
const secrets = {
  ...inlineSecrets,
  SSO_STATE,
  PREVIEW_DATABASE_URL: { $env: 'SECRET_VALUE' },
}
const bodyOf = (name: OperationName, changes: Fields = {}) => examplePayload(name, { changes, secrets }).body

const resourceSecrets = [
  ...bodyOf('updateResourceSecretsById').secrets,
  { name: 'FROM_FILE', value: { $file: 'secret.txt' } },
]
const changes: Partial<Record<OperationName, Fields>> = {
  importResource: { secrets: resourceSecrets },
  updateResource: { secrets: { secrets: resourceSecrets, partial: true } },
  updateResourceSecrets: { secrets: resourceSecrets },
  updateResourceSecretsById: { secrets: resourceSecrets, partial: false },
}

/** An operation with a payload that has a secret in every field that takes one. */
interface Case {
  readonly name: string
  readonly operation: Operation
  readonly body: Fields
}

const cases: readonly Case[] = [
  ...operations.map((operation) => ({
    name: operation.name,
    operation,
    body: bodyOf(operation.name, changes[operation.name]),
  })),
  // The other grant has a secret of its own.
  {
    name: 'exchangeSsoToken by refresh token',
    operation: operationNamed('exchangeSsoToken'),
    body: bodyOf('exchangeSsoToken', { code: undefined, state: undefined, redirectUri: undefined, refreshToken }),
  },
]

const payloadOf = ({ operation, body }: Case, installation: string): Fields => ({
  ...examplePayload(operation.name, { ids: { integrationConfigurationId: installation } }).params,
  ...body,
})

/** The secrets that the step of an operation is given. */
function secretsOf({ operation, body }: Case): string[] {
  const text = JSON.stringify(body)
  const contains = (value: string) => text.includes(JSON.stringify(value).slice(1, -1))
  return [
    ...(operation.anonymous ? [] : [token]),
    ...[...Object.values(inlineSecrets), refreshToken].filter(contains),
    ...(text.includes('$env') ? [fromEnv] : []),
    ...(text.includes('$file') ? [fromFile] : []),
    proxy.password,
  ]
}

/** The fields of Vercel's responses that become the token outputs. */
const tokenFields = { idToken: 'id_token', accessToken: 'access_token', refreshToken: 'refresh_token' } as const

/** The tokens that the server issues in its responses. */
const issuedBy = ({ operation }: Case): string[] => (operation.issues ?? []).map((output) => issued[output])

const base64 = (text: string, ahead: number) => Buffer.from(`${'\0'.repeat(ahead)}${text}`).toString('base64')

/** The part of a base64 text that does not depend on the text before and after the secret. */
const coreOf = (text: string, ahead: number) =>
  base64(text, ahead).slice(Math.ceil((ahead * 8) / 6), Math.floor(((ahead + Buffer.byteLength(text)) * 8) / 6))

const jsonEscape = (text: string) => JSON.stringify(text).slice(1, -1)
const unicodeEscape = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
const decimalEntity = (char: string) => `&#${char.charCodeAt(0)};`

/** Ways to write a secret that anybody can read. */
const encoders: readonly ((text: string) => string)[] = [
  jsonEscape,
  (text) => jsonEscape(jsonEscape(text)),
  (text) =>
    jsonEscape(text)
      .replaceAll('/', '\\/')
      .replace(/[&<>+]/g, unicodeEscape),
  encodeURIComponent,
  encodeURI,
  (text) => encodeURIComponent(text).replace(/%../g, (code) => code.toLowerCase()),
  (text) => new URLSearchParams({ s: text }).toString().slice(2),
  escapeUTF8,
  encodeHTML,
  (text) => text.replace(/[^A-Za-z0-9]/g, decimalEntity),
  (text) => text.toUpperCase(),
  (text) => text.toLowerCase(),
]

const knownEncodings = new Map<string, readonly string[]>()

/** The encodings of a secret, none of which may appear. */
function encodings(secret: string): readonly string[] {
  const known = knownEncodings.get(secret) ?? encode(secret)
  knownEncodings.set(secret, known)
  return known
}

function encode(secret: string): string[] {
  return [
    secret,
    ...secret.split('\n'),
    ...encoders.map((encoder) => encoder(secret)),
    ...[0, 1, 2].map((ahead) => coreOf(secret, ahead)),
    ...[0, 1, 2].map((ahead) => coreOf(secret, ahead).replaceAll('+', '-').replaceAll('/', '_')),
    `${secret.slice(0, 12)}...`,
    `...${secret.slice(-9)}`,
  ]
}

/** The texts in which a server repeats secrets. */
const repeated = (all: readonly string[]) =>
  all.flatMap((secret) => [
    secret,
    JSON.stringify(secret),
    ...encoders.map((encode) => encode(secret)),
    `${secret.slice(0, 12)}...${secret.slice(-9)}`,
    ...[0, 1, 2].map((ahead) => Buffer.from(`${'x'.repeat(ahead)}${secret}yz`).toString('base64')),
    Buffer.from(`xy${secret}`).toString('base64url'),
  ])

/** How the server responds, or how the step ends before it sends anything. */
const outcomes = [
  'success',
  // A rotation succeeds, and its token then fails to verify.
  'unverified',
  '400',
  '401',
  '409',
  '500',
  'reset',
  'timeout',
  'truncated',
  'malformed',
  'invalid payload',
  'dry-run',
] as const
type Outcome = (typeof outcomes)[number]

/**
 * Starts a server, which is also the proxy, so that it receives the proxy's password. It ends each request with the
 * outcome of its path, and repeats all secrets that it may have received.
 *
 * @param timeOut  called for a request that gets no response
 * @returns its host and port, and how many requests arrived
 */
async function listen(one: Case, outcomeOf: (path: string) => Outcome, timeOut = () => {}) {
  let requests = 0
  const secretTexts = repeated(secretsOf(one))
  const withIssued = [...secretTexts, ...repeated(issuedBy(one))]
  const server = createServer(async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    requests += 1
    await buffer(incoming)
    const path = incoming.url ?? ''
    const wanted = outcomeOf(path)
    const texts = /success|unverified/.test(wanted) ? withIssued : secretTexts
    // The action truncates messages: each path gets other secrets first.
    const shift = path.length % texts.length
    const message = [...texts.slice(shift), ...texts.slice(0, shift)].join(' ')
    const body = JSON.stringify({ error: { code: texts[0], message }, texts, [texts[0] ?? '']: 1 })
    const headers = { 'content-type': 'application/json', 'x-vercel-id': encodeURIComponent(texts[0] ?? '') }
    // An operation that issues no token must not make an output of one.
    const issues = one.operation.issues ?? (['accessToken'] as const)
    const tokens = Object.fromEntries(issues.map((output) => [tokenFields[output], issued[output]]))
    const isRotation = path.endsWith('/credentials/rotate')
    const outcome = wanted === 'unverified' ? (isRotation ? 'success' : '500') : wanted
    switch (outcome) {
      case 'success':
        return outgoing
          .writeHead(200, headers)
          .end(JSON.stringify({ ...tokens, texts, invoiceId: 'inv_1', state: 'paid', revoked: true }))
      case 'reset':
        return incoming.socket.destroy()
      case 'timeout':
        return timeOut()
      case 'truncated':
        outgoing.writeHead(200, { ...headers, 'content-length': 10 * body.length }).write(body)
        return void setTimeout(() => incoming.socket.destroy(), 20)
      case 'malformed':
        return outgoing.writeHead(200, headers).end(`{"access_token":${JSON.stringify(issued.accessToken)},${message}`)
      default:
        return outgoing.writeHead(Number(outcome) || 500, headers).end(body)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, requests: () => requests }
}

const env = (proxyHost: string) => ({
  RUNNER_DEBUG: '1',
  SECRET_VALUE: fromEnv,
  HTTP_PROXY: `http://${proxy.user}:${encodeURIComponent(proxy.password)}@${proxyHost}`,
})
const files = { 'secret.txt': `${fromFile}\n` }
/** The limits of a step. Only one that is to time out ends soon, so that a busy machine is not too slow for the others. */
const limitsOf = (outcome: Outcome) => ({
  'max-attempts': '2',
  ...(outcome === 'timeout' && { 'attempt-timeout': '1' }),
})

/** Everything that people or other steps can read after a step. The outputs that hold tokens are not included. */
function readableAfter({ log, outputs, summary }: StepResult, ...folders: string[]): string {
  const { idToken, accessToken, refreshToken, ...others } = outputs
  const open = log
    .split('\n')
    .filter((line) => !line.startsWith('::add-mask::'))
    .join('\n')
  const files = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !secretFiles.has(entry.name))
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8')),
  )
  const texts = [open, ...Object.values(others), summary, ...files]
  return [...texts, ...texts.map(decoded)].join('\n')
}

/** The text as the runner decodes it in a workflow command. */
const decoded = (text: string) => text.replaceAll('%0A', '\n').replaceAll('%0D', '\r').replaceAll('%25', '%')

/** Files that are meant to contain secrets. */
const secretFiles = new Set(['b.ndjson', 'secret.txt', 'keys.json', 'new.json'])

function expectHidden(all: readonly string[], text: string): void {
  const found = all.flatMap((secret) => encodings(secret).filter((form) => form.length >= 4 && text.includes(form)))
  const excerpts = found.map((form) => text.slice(Math.max(0, text.indexOf(form) - 60), text.indexOf(form) + 60))
  expect(excerpts.slice(0, 3).join(' | ')).toBe('')
}

/** A mask only affects later lines, so each secret is masked before it appears. */
function expectMaskedFirst({ log }: StepResult, all: readonly string[]): void {
  const lines = log.split('\n')
  for (const secret of all) {
    const command = `::add-mask::${secret.replaceAll('%', '%25').replaceAll('\n', '%0A')}`
    const mask = lines.indexOf(command)
    expect(mask, `${secret} is masked`).toBeGreaterThan(-1)
    const before = lines.slice(0, mask).filter((line) => !line.startsWith('::add-mask::'))
    expect(encodings(secret).filter((form) => before.some((line) => line.includes(form)))).toEqual([])
  }
}

/** Runs a step: in process without waits, or as the built action. */
type Run = (options: StepOptions) => Promise<StepResult>
const inProcess: Run = (options) => runStepInProcess({ ...options, clock: jumpingClock() })

const nameOf = ({ name }: Case) => name
const runAll = (all: readonly Case[], run: (one: Case) => Promise<void>) =>
  runConcurrently(all, run, nameOf, all.length)

/** These outcomes run for each operation; the others only for operations whose payload has secrets. */
const commonOutcomes: readonly Outcome[] = ['success', '400', 'malformed', 'invalid payload', 'dry-run']
const casesWithSecrets = cases.filter((one) => secretsOf(one).length > 2)
const [rotation] = cases.filter(({ operation }) => operation.rotatesCredential) as [Case]

/** Runs a step of a case that ends with an outcome, and looks for secrets in what it shows. */
async function runCase(one: Case, outcome: Outcome, run: Run, timeOut?: () => void): Promise<void> {
  const { operation } = one
  const all = secretsOf(one)
  const { host, requests } = await listen(one, () => outcome, timeOut)
  const [workspace, temp] = [scratch(folderOnDisk), scratch()]
  const payload = {
    ...payloadOf(one, 'icfg_1'),
    ...(outcome === 'invalid payload' && { unknownField: token, typ0: { deep: inline } }),
  }
  const step = await run({
    workspace,
    temp,
    files,
    env: env(host),
    with: {
      operation: operation.name,
      'api-url': `http://${host}`,
      payload: JSON.stringify(payload),
      ...(!operation.anonymous && { token }),
      ...limitsOf(outcome),
      ...(outcome === 'dry-run' && { 'dry-run': 'true' }),
    },
  })
  const isSent = outcome !== 'invalid payload' && outcome !== 'dry-run'
  expect(requests() > 0).toBe(isSent)
  const isAccepted = outcome === 'success' || (outcome === 'unverified' && operation.rotatesCredential)
  // A revocation must be confirmed, and a refund reads the invoice before it is sent.
  const needsBody = ['revokeInstallationCredential', 'updateInvoice'].includes(operation.name)
  const isSuccess = isAccepted || (outcome === 'malformed' && !needsBody) || outcome === 'dry-run'
  expect(step.code, step.log).toBe(isSuccess ? 0 : 1)
  const tokens = isAccepted ? issuedBy(one) : []
  const text = readableAfter(step, workspace, temp)
  // What the server repeats is shown.
  if (isSent && /^[2-5]\d\d$|success|malformed/.test(outcome)) expect(text).toContain('***')
  expectHidden([...all, ...tokens, ...(outcome === 'malformed' ? issuedBy(one) : [])], text)
  if (outcome === 'invalid payload') return
  expectMaskedFirst(step, [...all, ...tokens])
  const { idToken, accessToken, refreshToken } = step.outputs
  expect([idToken, accessToken, refreshToken].filter((value) => value !== undefined).sort()).toEqual([...tokens].sort())
}

/** The outcomes of requests, which a record of a batch can have. */
const sent = outcomes.filter((outcome) => outcome !== 'invalid payload' && outcome !== 'dry-run')
const soon = sent.filter((outcome) => outcome !== 'timeout')
const batches = cases.filter(({ operation }) => operation.batchProblem === undefined)

/** The record of a batch that ends with an outcome. */
function recordOf(one: Case, outcome: Outcome): Fields {
  const { integrationConfigurationId, ...rest } = payloadOf(one, `icfg_${outcome}`)
  // `token` in the record itself is the token that the record is sent with.
  const isNested = 'token' in one.body
  return { id: outcome, integrationConfigurationId, ...(isNested ? { requestBody: rest } : rest) }
}

/** Runs a batch with a record for each outcome, and looks for secrets in what it shows. */
async function runBatch(one: Case, ends: readonly Outcome[], run: Run, timeOut?: () => void): Promise<void> {
  const { operation } = one
  const outcomeOf = (path: string) => sent.find((outcome) => path.includes(`icfg_${outcome}`)) ?? '500'
  const { host } = await listen(one, outcomeOf, timeOut)
  const [workspace, temp] = [scratch(folderOnDisk), scratch()]
  const step = await run({
    workspace,
    temp,
    files: {
      ...files,
      'b.ndjson': ndjson(ends.map((outcome) => recordOf(one, outcome))),
      'keys.json': JSON.stringify(Object.fromEntries(ends.map((outcome) => [`icfg_${outcome}`, token]))),
    },
    env: env(host),
    with: {
      operation: operation.name,
      'api-url': `http://${host}`,
      'batch-file': 'b.ndjson',
      'tokens-file': 'keys.json',
      ...(operation.rotatesCredential && { 'new-tokens-file': 'new.json', 'revoke-previous': 'true' }),
      ...limitsOf(ends[0] ?? 'success'),
    },
  })
  const [status, event] = ends.includes('success') ? ['partial', 'failed'] : ['failed', '(failed|unknown)']
  expect(step.outputs, step.log).toMatchObject({ status, total: String(ends.length) })
  const text = readableAfter(step, workspace, temp)
  expect(text).toMatch(new RegExp(`"event":"${event}"`))
  if (status === 'partial') expect(text).toContain('***')
  expectHidden([...secretsOf(one), ...issuedBy(one)], text)
}

test('the check finds each encoding of a secret', () => {
  const hidden = encodings(fromFile).filter((form) => form.length >= 4)
  expect(hidden.length).toBeGreaterThan(20)
  for (const form of hidden) expect(() => expectHidden([fromFile], `before${form}after`)).toThrow()
})

test('there are operations that issue tokens, and operations with secrets in their payloads', () => {
  expect(cases.filter((one) => issuedBy(one).length > 0).map(nameOf)).toEqual([
    'rotateInstallationCredential',
    'exchangeSsoToken',
    'exchangeSsoToken by refresh token',
  ])
  expect(casesWithSecrets.length).toBeGreaterThan(5)
})

// Those that time out are in a test below, which holds the timers.
test.each(outcomes.filter((outcome) => outcome !== 'timeout'))(
  'a step of each operation shows no secret: %s',
  async (outcome) => {
    await runAll(commonOutcomes.includes(outcome) ? cases : casesWithSecrets, (one) => runCase(one, outcome, inProcess))
  },
)

test('the built action shows no secret either', async () => {
  // One for each kind of end: with a new token, refused, unknown, with a response that is not JSON, and before a request.
  const ends = ['success', 'unverified', '400', 'timeout', 'malformed', 'invalid payload', 'dry-run'] as const
  await runConcurrently(ends, (outcome) => runCase(rotation, outcome, runStep))
})

test('a batch of each operation, with a record for each outcome, shows no secret', async () => {
  expect(batches).toContain(rotation)
  await runAll(batches, (one) => runBatch(one, soon, inProcess))
  await runBatch(rotation, soon, runStep)
})

test('a step and a batch of each operation show no secret: timeout', async () => {
  const timeOut = holdTimeouts()
  // One at a time, because it ends the wait for every request in flight, also for one that has not arrived.
  await runConcurrently(casesWithSecrets, (one) => runCase(one, 'timeout', inProcess, timeOut), nameOf, 1)
  await runConcurrently(batches, (one) => runBatch(one, ['timeout'], inProcess, timeOut), nameOf, 1)
})

test('a step of each operation in the sandbox shows no secret, nor do the files of the sandbox', async () => {
  const issuing: string[] = []
  await runAll(cases, async (one) => {
    const { operation } = one
    const [workspace, temp] = [scratch(folderOnDisk), scratch()]
    const step = await inProcess({
      workspace,
      temp,
      files,
      env: env('127.0.0.1:9'),
      with: {
        operation: operation.name,
        'api-url': 'sandbox',
        payload: JSON.stringify(payloadOf(one, 'icfg_1')),
        ...(!operation.anonymous && { token }),
      },
    })
    const { idToken = '', accessToken = '', refreshToken = '' } = step.outputs
    const tokens = [idToken, accessToken, refreshToken].filter((value) => value !== '')
    if (tokens.length > 0) issuing.push(nameOf(one))
    expectHidden([...secretsOf(one), ...tokens], readableAfter(step, workspace, temp))
  })
  expect(issuing.sort()).toEqual(
    cases
      .filter((one) => issuedBy(one).length > 0)
      .map(nameOf)
      .sort(),
  )
})

test('a step shows no secret if GitHub repeats its token and the new token', async () => {
  const githubToken = 'ghs-"Gh9\\%&+-4Jb7'
  const all = [...secretsOf(rotation), githubToken, issued.accessToken]
  const { host } = await listen(rotation, () => 'success')
  const github = await startGitHub()
  github.faults = ({ method }) => (method === 'PUT' ? 422 : undefined)
  github.message = repeated(all).join(' ')
  const step = await runStep({
    files,
    env: { ...env(host), NO_PROXY: 'localhost', GITHUB_API_URL: github.url.replace('127.0.0.1', 'localhost') },
    with: {
      operation: rotation.name,
      'api-url': `http://${host}`,
      payload: JSON.stringify(payloadOf(rotation, 'icfg_1')),
      token,
      'store-secret': 'TOKEN',
      'github-token': githubToken,
      ...limitsOf('success'),
    },
  })
  expect(step.errors).toEqual([expect.stringMatching(/GitHub refused PUT.*with 422/)])
  expectHidden(all, readableAfter(step))
  expectMaskedFirst(step, all)
})
