// Every operation, in whatever way it ends, against a server that repeats every secret it could have heard of, in every
// spelling: with debug logging on, none of them is seen anywhere.

import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { type Operation, type OperationName, operations } from '../../src/operations/catalogue.ts'
import { ndjson } from './batches.ts'
import { startGitHub } from './github.ts'
import { day, invoice, item } from './invoices.ts'
import { sideBySide } from './side-by-side.ts'
import { runStep, type StepResult, scratch } from './step.ts'

// No token has a blank, and no proxy's password a colon; but for that they have all that needs escaping somewhere.
const token = 'vct-"Tk1\\%41&+/?>=~7Yk2mQ'
const proxy = { user: 'proxy-user', password: 'pr0xy"\\%&+ä-9Xw4' }
const clientSecret = 'cs-"Zq8\\n%&+ü ö-5Rt6'
const inline = 'pg://u:"In1\\x%&+ß@db\nsecond-Line-3Bn7%0A'
const fromEnv = 'env-"Ev2\\%&+é-8Uj1'
const fromFile = 'file-"Fl3\\%&+ñ\nof-two-Lines-4Gh5'
const previous = 'old-"Pv4\\%&+-6Mk9'
const code = 'sso-"Cd5\\%&+-2Wd3'
const refresh = 'rt-"Rf6\\%&+-7Lp8'
const issued = {
  id_token: 'idt-"Id7\\%&+-1Qa2',
  access_token: 'vct-"Ac8\\%&+-3Sx4',
  refresh_token: 'vcr-"Re9\\%&+-5Dc6',
}

const { integrationConfigurationId: _, ...bill } = invoice
const client = { clientId: 'oac_1', clientSecret }
const secrets = [
  { name: 'INLINE', value: inline, environmentOverrides: { preview: { $env: 'SECRET_VALUE' } } },
  { name: 'FROM_FILE', value: { $file: 'secret.txt' } },
]
const resource = { productId: 'pg', name: 'orders', status: 'ready' }
const flag = { slug: 'checkout', origin: 'https://example.com/f' }
const bodies: Partial<Record<OperationName, object>> = {
  updateInstallation: { status: 'ready' },
  createEvent: { event: { type: 'installation.updated' } },
  rotateInstallationCredential: client,
  revokeInstallationCredential: { token: previous, ...client },
  importResource: { ...resource, secrets },
  updateResource: { secrets: { secrets, partial: true } },
  updateResourceSecrets: { secrets, partial: true },
  updateResourceSecretsById: { secrets, partial: false },
  submitBillingData: { eod: day(1), period: bill.period, billing: [item], usage: [] },
  submitInvoice: bill,
  updateInvoice: { action: 'refund', reason: 'r', total: '1.00' },
  submitPrepaymentBalances: { balances: [{ currencyValueInCents: 5 }] },
  exchangeSsoToken: { code, ...client },
  createExperimentationItems: { items: [{ id: 'f-2', ...flag }] },
  updateExperimentationItem: flag,
  replaceGlobalConfig: { data: { a: [1, null] } },
}
const ids: Record<string, string> = {
  resourceId: 'db-1',
  invoiceId: 'inv_1',
  memberId: 'user_1',
  itemId: 'f-1',
  integrationProductIdOrSlug: 'pg',
}

/** The other grant of the exchange, which hands over a secret of its own. */
const refreshing: Operation = {
  ...(operations.find(({ name }) => name === 'exchangeSsoToken') as Operation),
}
const cases: readonly Operation[] = [...operations, refreshing]

const bodyOf = (operation: Operation) =>
  operation === refreshing ? { refreshToken: refresh, ...client } : bodies[operation.name]

/** A payload with a secret wherever there is room for one. */
const payloadOf = (operation: Operation, installation: string) => ({
  ...Object.fromEntries(
    operation.pathParameters.map((parameter) => [
      parameter,
      parameter === 'integrationConfigurationId' ? installation : ids[parameter],
    ]),
  ),
  ...bodyOf(operation),
})

/** What an operation's step is given of all secrets. */
function secretsOf(operation: Operation): string[] {
  const body = JSON.stringify(bodyOf(operation) ?? null)
  const has = (value: string) => body.includes(JSON.stringify(value).slice(1, -1))
  return [
    ...(operation.anonymous ? [] : [token]),
    ...[clientSecret, inline, previous, code, refresh].filter(has),
    ...(body.includes('$env') ? [fromEnv] : []),
    ...(body.includes('$file') ? [fromFile] : []),
    proxy.password,
  ]
}

/** What the server gives away in its answers. */
const issuedTo = ({ name }: Operation): string[] =>
  name === 'exchangeSsoToken'
    ? Object.values(issued)
    : name === 'rotateInstallationCredential'
      ? [issued.access_token]
      : []

const base64 = (text: string, ahead: number) => Buffer.from(`${'\0'.repeat(ahead)}${text}`).toString('base64')

/** The part of a base64 text that is the same whatever stands around the secret. */
const coreOf = (text: string, ahead: number) =>
  base64(text, ahead).slice(Math.ceil((ahead * 8) / 6), Math.floor(((ahead + Buffer.byteLength(text)) * 8) / 6))

/** The spellings of a secret that must not be seen. */
function spellings(secret: string): string[] {
  const json = JSON.stringify(secret).slice(1, -1)
  return [
    secret,
    ...secret.split('\n'),
    json,
    encodeURIComponent(secret),
    new URLSearchParams({ s: secret }).toString().slice(2),
    ...[0, 1, 2].map((ahead) => coreOf(secret, ahead)),
    ...[0, 1, 2].map((ahead) => coreOf(secret, ahead).replaceAll('+', '-').replaceAll('/', '_')),
  ]
}

/** What a server says that has heard of secrets. */
const repeated = (all: readonly string[]) =>
  all.flatMap((secret) => [
    secret,
    JSON.stringify(secret),
    encodeURIComponent(secret),
    new URLSearchParams({ s: secret }).toString(),
    ...[0, 1, 2].map((ahead) => Buffer.from(`${'x'.repeat(ahead)}${secret}yz`).toString('base64')),
    Buffer.from(`xy${secret}`).toString('base64url'),
  ])

/** How the server, or the step, ends a request. */
const outcomes = [
  'success',
  // A rotation that succeeds, and whose token is then refused.
  'unproven',
  '400',
  '401',
  '409',
  '500',
  'reset',
  'timeout',
  'cut',
  'garbled',
  'refused',
  'dry-run',
] as const
type Outcome = (typeof outcomes)[number]

/** Ends each request as it is told to, with all secrets that it may have heard of, a proxy's password included. */
async function listen(operation: Operation, outcomeOf: (path: string) => Outcome): Promise<string> {
  const server = createServer(async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    await buffer(incoming)
    const path = incoming.url ?? ''
    const all = [...secretsOf(operation), ...(/success|unproven/.test(outcomeOf(path)) ? issuedTo(operation) : [])]
    const said = repeated(all)
    // A message is cut: each path hears of others first.
    const shift = path.length % said.length
    const message = [...said.slice(shift), ...said.slice(0, shift)].join(' ')
    const body = JSON.stringify({ error: { code: said[0], message }, said, [said[0] ?? '']: 1 })
    const headers = { 'content-type': 'application/json', 'x-vercel-id': encodeURIComponent(all[0] ?? '') }
    const wanted = outcomeOf(path)
    const tokens = operation.anonymous ? issued : { access_token: issued.access_token }
    const isRotation = path.endsWith('/credentials/rotate')
    const outcome = wanted === 'unproven' ? (isRotation ? 'success' : '500') : wanted
    switch (outcome) {
      case 'success':
        return outgoing
          .writeHead(200, headers)
          .end(JSON.stringify({ ...tokens, said, invoiceId: 'inv_1', state: 'paid' }))
      case 'reset':
        return incoming.socket.destroy()
      case 'timeout':
        return
      case 'cut':
        outgoing.writeHead(200, { ...headers, 'content-length': 10 * body.length }).write(body)
        return void setTimeout(() => incoming.socket.destroy(), 20)
      case 'garbled':
        return outgoing.writeHead(200, headers).end(`{"access_token":${JSON.stringify(issued.access_token)},${message}`)
      default:
        return outgoing.writeHead(Number(outcome) || 500, headers).end(body)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

const env = (proxyHost: string) => ({
  RUNNER_DEBUG: '1',
  SECRET_VALUE: fromEnv,
  HTTP_PROXY: `http://${proxy.user}:${encodeURIComponent(proxy.password)}@${proxyHost}`,
})
const files = { 'secret.txt': `${fromFile}\n` }
const limits = { 'max-attempts': '2', 'attempt-timeout': '1', 'retry-timeout': '2' }

/** All that a step leaves behind where people or other steps read it. */
function left({ log, outputs, summary }: StepResult, ...folders: string[]): string {
  const { idToken, accessToken, refreshToken, ...others } = outputs
  const open = log
    .split('\n')
    .filter((line) => !line.startsWith('::add-mask::'))
    .join('\n')
  const files = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !given.has(entry.name))
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8')),
  )
  const texts = [open, ...Object.values(others), summary, ...files]
  return [...texts, ...texts.map(decoded)].join('\n')
}

/** As the runner reads commands. */
const decoded = (text: string) => text.replaceAll('%0A', '\n').replaceAll('%0D', '\r').replaceAll('%25', '%')

const given = new Set(['b.ndjson', 'secret.txt', 'keys.json', 'new.json'])

function hides(all: readonly string[], text: string): void {
  const seen = all.flatMap((secret) => spellings(secret).filter((form) => form.length >= 4 && text.includes(form)))
  const where = seen.map((form) => text.slice(Math.max(0, text.indexOf(form) - 60), text.indexOf(form) + 60))
  expect(where.slice(0, 3).join(' | ')).toBe('')
}

/** A mask holds from where it stands. */
function masksFirst({ log }: StepResult, all: readonly string[]): void {
  const lines = log.split('\n')
  for (const secret of all) {
    const command = `::add-mask::${secret.replaceAll('%', '%25').replaceAll('\n', '%0A')}`
    const mask = lines.indexOf(command)
    expect(mask, `${secret} is masked`).toBeGreaterThan(-1)
    for (const line of lines.slice(0, mask)) {
      if (!line.startsWith('::add-mask::')) for (const form of spellings(secret)) expect(line).not.toContain(form)
    }
  }
}

const nameOf = (operation: Operation) =>
  operation === refreshing ? `${operation.name} by refresh token` : operation.name
/** A step of its own for each operation; what only repeats others is left to those that are given secrets of their own. */
const common: readonly Outcome[] = ['success', '400', 'garbled', 'refused', 'dry-run']
const ownSecrets = cases.filter((operation) => secretsOf(operation).length > 2)

test.each(outcomes)('a step of each operation: %s', async (outcome) => {
  const run = async (operation: Operation) => {
    const all = secretsOf(operation)
    const host = await listen(operation, () => outcome)
    const [workspace, temp] = [scratch(), scratch()]
    const payload = {
      ...payloadOf(operation, 'icfg_1'),
      ...(outcome === 'refused' && { unknownField: token, typ0: { deep: inline } }),
    }
    const step = await runStep({
      workspace,
      temp,
      files,
      env: env(host),
      with: {
        operation: operation.name,
        'api-url': `http://${host}`,
        payload: JSON.stringify(payload),
        ...(!operation.anonymous && { token }),
        ...limits,
        ...(outcome === 'dry-run' && { 'dry-run': 'true' }),
      },
    })
    const isTaken = outcome === 'success' || (outcome === 'unproven' && operation.name.startsWith('rotate'))
    const isGood = isTaken || outcome === 'garbled' || outcome === 'dry-run'
    // Nobody answers a HEAD with a body that could be cut off.
    if (outcome !== 'cut') expect(step.code, step.log).toBe(isGood ? 0 : 1)
    const given = isTaken ? issuedTo(operation) : []
    const text = left(step, workspace, temp)
    hides([...all, ...given, ...(outcome === 'garbled' ? issuedTo(operation) : [])], text)
    if (outcome === 'refused') return
    masksFirst(step, [...all, ...given])
    const { idToken, accessToken, refreshToken } = step.outputs
    expect([idToken, accessToken, refreshToken].filter((value) => value !== undefined).sort()).toEqual(
      [...given].sort(),
    )
  }
  await sideBySide(common.includes(outcome) ? cases : ownSecrets, run, nameOf)
})

test('a batch of each operation, with a record for each outcome', async () => {
  const sent = outcomes.filter((outcome) => outcome !== 'refused' && outcome !== 'dry-run')
  const recordOf = (operation: Operation, outcome: Outcome) => {
    const { integrationConfigurationId, ...rest } = payloadOf(operation, `icfg_${outcome}`) as Record<string, unknown>
    // A token beside the fields of a record would be what it is sent with.
    const isNested = operation.name === 'revokeInstallationCredential'
    return { id: outcome, integrationConfigurationId, ...(isNested ? { requestBody: rest } : rest) }
  }
  const run = async (operation: Operation) => {
    const host = await listen(operation, (path) => sent.find((outcome) => path.includes(`icfg_${outcome}`)) ?? '500')
    const [workspace, temp] = [scratch(), scratch()]
    const isRotation = operation.name === 'rotateInstallationCredential'
    const step = await runStep({
      workspace,
      temp,
      files: {
        ...files,
        'b.ndjson': ndjson(sent.map((outcome) => recordOf(operation, outcome))),
        'keys.json': JSON.stringify(Object.fromEntries(sent.map((outcome) => [`icfg_${outcome}`, token]))),
      },
      env: env(host),
      with: {
        operation: operation.name,
        'api-url': `http://${host}`,
        'batch-file': 'b.ndjson',
        'tokens-file': 'keys.json',
        ...(isRotation && { 'new-tokens-file': 'new.json', 'revoke-previous': 'true' }),
        ...limits,
      },
    })
    expect(step.outputs, step.log).toMatchObject({ status: 'partial', total: String(sent.length) })
    const text = left(step, workspace, temp)
    expect(text).toContain('"event":"failed"')
    hides([...secretsOf(operation), ...issuedTo(operation)], text)
  }
  await sideBySide(
    operations.filter(({ name }) => name !== 'exchangeSsoToken'),
    run,
    nameOf,
  )
})

test('the sandbox and its state, of each operation', async () => {
  const run = async (operation: Operation) => {
    const [workspace, temp] = [scratch(), scratch()]
    const step = await runStep({
      workspace,
      temp,
      files,
      env: env('127.0.0.1:9'),
      with: {
        operation: operation.name,
        'api-url': 'sandbox',
        payload: JSON.stringify(payloadOf(operation, 'icfg_1')),
        ...(!operation.anonymous && { token }),
      },
    })
    const { idToken = '', accessToken = '', refreshToken = '' } = step.outputs
    const given = [idToken, accessToken, refreshToken].filter((value) => value !== '')
    hides([...secretsOf(operation), ...given], left(step, workspace, temp))
  }
  await sideBySide(cases, run, nameOf)
})

test('a GitHub that repeats its token and what it is to store', async () => {
  const githubToken = 'ghs-"Gh9\\%&+-4Jb7'
  const [operation] = operations.filter(({ name }) => name === 'rotateInstallationCredential') as [Operation]
  const all = [...secretsOf(operation), githubToken, issued.access_token]
  const vercel = await listen(operation, () => 'success')
  const github = await startGitHub()
  github.faults = ({ method }) => (method === 'PUT' ? 422 : undefined)
  github.message = repeated(all).join(' ')
  const step = await runStep({
    files,
    env: { ...env(vercel), NO_PROXY: 'localhost', GITHUB_API_URL: github.url.replace('127.0.0.1', 'localhost') },
    with: {
      operation: operation.name,
      'api-url': `http://${vercel}`,
      payload: JSON.stringify(payloadOf(operation, 'icfg_1')),
      token,
      'store-secret': 'TOKEN',
      'github-token': githubToken,
      ...limits,
    },
  })
  expect(step.errors).toEqual([expect.stringMatching(/GitHub refused PUT.*with 422/)])
  hides(all, left(step))
  masksFirst(step, all)
})
