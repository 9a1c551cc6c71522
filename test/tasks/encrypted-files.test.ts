// Steps with files that are encrypted with age, in process: what they read, what they refuse, and what they never show.

import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { main } from '../../src/main.ts'
import { loadPayload } from '../../src/payload/load.ts'
import { systemClock } from '../../src/runtime.ts'
import { type SandboxServer, startSandboxServer } from '../../src/sandbox/server.ts'
import { ageFile, armored, encryptTo, encryptWithPassphrase, newIdentity } from '../age.ts'
import { newFolder } from '../batch/files.ts'
import { testRuntime } from '../test-runner.ts'

const identity = await newIdentity()
const key = `# created: today\n# public key: age1xyz\n${identity}\n`
const clock = { ...systemClock, now: () => new Date('2025-03-31T12:00:00Z') }

const invoiceOf = (installation: string, name = 'Storage') => ({
  integrationConfigurationId: installation,
  invoiceDate: '2025-03-31T00:00:00Z',
  period: { start: '2025-03-01T00:00:00Z', end: '2025-04-01T00:00:00Z' },
  items: [{ billingPlanId: 'pro', name, price: '1.50', quantity: 2, units: 'GB', total: '3.00' }],
})
const ndjson = (records: readonly unknown[]) => records.map((record) => `${JSON.stringify(record)}\n`).join('')
const names = ['icfg_1', 'icfg_2', 'icfg_3']
const batch = ndjson(names.map((name) => invoiceOf(name)))
const tokenOf = (name: string) => `vct-${name}-7Yk2mQ`
const tokens = JSON.stringify(Object.fromEntries(names.map((name) => [name, tokenOf(name)])))

type Files = Readonly<Record<string, string | Buffer>>

async function startServer(): Promise<SandboxServer> {
  const server = await startSandboxServer()
  onTestFinished(server.close)
  return server
}

interface StepPlace {
  readonly folder?: string
  readonly server?: SandboxServer
  /** To what size the files are extended, with zeros that take no space on the disk. */
  readonly fileBytes?: number
}

/** Runs a step against a server. The other files that it leaves in its folder are part of what is visible. */
async function runStep(
  inputs: Readonly<Record<string, string>>,
  files: Files = {},
  { folder = newFolder(), server, fileBytes }: StepPlace = {},
) {
  const { url, arrivals } = server ?? (await startServer())
  const before = arrivals.length
  for (const [path, content] of Object.entries(files)) {
    writeFileSync(join(folder, path), content)
    if (fileBytes !== undefined) truncateSync(join(folder, path), fileBytes)
  }
  const summaryFile = join(newFolder(), 'summary')
  writeFileSync(summaryFile, '')
  const env = { GITHUB_WORKSPACE: folder, GITHUB_STEP_SUMMARY: summaryFile, RUNNER_TEMP: folder }
  const runtime = testRuntime({ operation: 'submitInvoice', 'api-url': url, ...inputs }, { env, clock })
  const isDebugging = { ...runtime, runner: { ...runtime.runner, isDebug: () => true } }
  const code = await main(isDebugging)
  const { outputs, masks, lines, debugLines, errors, warnings } = runtime.runner
  const left = readdirSync(folder).filter((name) => !Object.hasOwn(files, name))
  const contents = left.map((name) => readFileSync(join(folder, name), 'latin1'))
  const summary = readFileSync(summaryFile, 'utf8')
  const visible = [...lines, ...debugLines, ...errors, ...warnings, summary, JSON.stringify(outputs), ...contents]
  const sent = arrivals.slice(before).map(({ headers }) => headers.authorization)
  return { code, outputs, masks, lines, errors, warnings, visible: visible.join('\n'), sent, folder, left }
}

const inBatch = { 'batch-file': 'b.ndjson', 'journal-file': 'j.ndjson' }

test('a batch reads encrypted tokens and records, and shows neither them nor the key', async () => {
  const secretBatch = ndjson(
    names.map((name) => ({
      integrationConfigurationId: name,
      resourceId: 'db-1',
      partial: true,
      secrets: [{ name: 'URL', value: `pass-9Xw4-${name}` }],
    })),
  )
  const inputs = { ...inBatch, operation: 'updateResourceSecretsById', 'tokens-file': 't.age', 'tokens-key': key }
  const step = await runStep(
    { ...inputs, 'report-file': 'report.csv' },
    { 'b.ndjson': armored(await encryptTo([identity], secretBatch)), 't.age': await encryptTo([identity], tokens) },
  )
  expect(step.sent.sort()).toEqual(names.map((name) => `Bearer ${tokenOf(name)}`))
  expect(step.warnings).toEqual([])
  expect(step.masks).toEqual([identity])
  expect(step.left.sort()).toEqual(['j.ndjson', 'report.csv'])
  for (const secret of [identity, identity.toLowerCase(), '7Yk2mQ', 'pass-9Xw4']) {
    expect(step.visible).not.toContain(secret)
  }
})

test('a request reads an encrypted payload, with the places of its problems', async () => {
  const inputs = { 'payload-file': 'p.json.age', token: 'a-token', 'tokens-key': identity }
  const payload = JSON.stringify(invoiceOf('icfg_1'))
  const server = await startServer()
  const good = await runStep(inputs, { 'p.json.age': await encryptTo([identity], payload) }, { server })
  expect(good).toMatchObject({ code: 0, errors: [], warnings: [], sent: ['Bearer a-token'] })
  const plain = await runStep(
    { 'payload-file': 'p.json', token: 'a-token', 'dry-run': 'true' },
    { 'p.json': payload },
    { server },
  )
  expect(good.outputs.digest).toBe(plain.outputs.digest)
  const wrong = await runStep(inputs, { 'p.json.age': await encryptTo([identity], `{\n  "invoiceDat": 1,\n}`) })
  expect(wrong.code).toBe(1)
  expect(wrong.errors).toEqual([expect.stringContaining('the payload')])
  const { errors } = await loadPayload({
    text: undefined,
    file: 'p.json.age',
    key: [identity],
    workspace: wrong.folder,
  })
  expect(errors).toEqual([expect.objectContaining({ file: 'p.json.age', position: { line: 3, column: 1 } })])
  expect(wrong.sent).toEqual([])
})

const encrypted = await encryptTo([identity], tokens)
const otherKey = await newIdentity()
const useless = (name: string) =>
  `${name} is not encrypted, although \`tokens-key\` is set: encrypt it (age -r age1…), or remove \`tokens-key\``

test.each<[what: string, file: () => Promise<Buffer> | Buffer, key: string, message: RegExp]>([
  [
    'a file without a key',
    () => encrypted,
    '',
    /is encrypted with age: set `tokens-key` to the identity that opens it/,
  ],
  ['a wrong key', () => encrypted, otherKey, /encrypted to other public keys.*encrypt it to the public key.*-r age1/],
  ['a truncated file', () => encrypted.subarray(0, -9), key, /damaged or incomplete: copy it again, in binary/],
  [
    'a file with a passphrase',
    () => encryptWithPassphrase(tokens),
    key,
    /with a passphrase, which a step cannot enter/,
  ],
  ['a file for an SSH key', () => ageFile('ssh.age'), key, /is encrypted to an SSH key: encrypt it to the public key/],
  [
    'a damaged key',
    () => encrypted,
    identity.replace(/.$/, (last) => (last === 'Q' ? 'P' : 'Q')),
    /identity 1 of `tokens-key` has a wrong character/,
  ],
])('%s is refused for tokens, batch and payload, and nothing is sent', async (_, file, tokensKey, message) => {
  const content = await file()
  const common = { 'tokens-key': tokensKey }
  const steps = [
    await runStep({ ...inBatch, ...common, 'tokens-file': 't.age' }, { 'b.ndjson': batch, 't.age': content }),
    await runStep({ ...inBatch, ...common, token: 'a-token' }, { 'b.ndjson': content }),
    await runStep({ ...common, token: 'a-token', 'payload-file': 'p.age' }, { 'p.age': content }),
  ]
  for (const { code, errors, sent, visible, left } of steps) {
    expect(code).toBe(1)
    expect(errors).toEqual([expect.stringMatching(message)])
    expect(sent).toEqual([])
    expect(left).toEqual([])
    expect(visible).not.toContain('7Yk2mQ')
    if (tokensKey !== '') expect(visible).not.toContain(identity.slice(20, 40))
  }
})

test('trackInvoices refuses encrypted tokens without their key, and reads them with it', async () => {
  const where = { folder: newFolder(), server: await startServer() }
  await runStep({ ...inBatch, tokens }, { 'b.ndjson': batch }, where)
  const inputs = { operation: 'trackInvoices', 'journal-file': 'j.ndjson', 'tokens-file': 't.age' }
  const refused = await runStep(inputs, { 't.age': encrypted }, where)
  expect(refused.errors).toEqual([expect.stringContaining('set `tokens-key`')])
  expect(refused.sent).toEqual([])
  const tracked = await runStep({ ...inputs, 'tokens-key': key }, { 't.age': encrypted }, where)
  expect(new Set(tracked.sent)).toEqual(new Set(names.map((name) => `Bearer ${tokenOf(name)}`)))
  expect(tracked.warnings).not.toContain(useless('tokens-file "t.age"'))
  const plain = await runStep({ ...inputs, 'tokens-key': key }, { 't.age': tokens }, where)
  expect(plain.warnings).toContain(useless('tokens-file "t.age"'))
})

test.each<[what: string, inputs: Record<string, string>, warning: string]>([
  ['tokens', { ...inBatch, 'tokens-file': 't.json' }, useless('tokens-file "t.json"')],
  ['a batch', { ...inBatch, token: 'a-token' }, useless('the batch file "b.ndjson"')],
  ['a payload', { token: 'a-token', 'payload-file': 'p.json' }, useless('the payload file "p.json"')],
])('a key and a plain file for %s are a warning, and an error with fail-on-warning', async (_, inputs, warning) => {
  const files = { 'b.ndjson': batch, 't.json': tokens, 'p.json': JSON.stringify(invoiceOf('icfg_1')) }
  const step = await runStep({ ...inputs, 'tokens-key': key }, files)
  expect(step).toMatchObject({ code: 0, errors: [] })
  expect(step.warnings.join('\n')).toContain(warning)
  expect(step.sent.length).toBeGreaterThan(0)
  const strict = await runStep({ ...inputs, 'tokens-key': key, 'fail-on-warning': 'true' }, files)
  expect(strict.code).toBe(1)
  expect(strict.errors.join('\n')).toContain(warning)
  expect(strict.sent).toEqual([])
})

test('a malformed key is refused with the fix, without showing it', async () => {
  const short = identity.slice(0, 50)
  const step = await runStep(
    { ...inBatch, 'tokens-file': 't.age', 'tokens-key': `# one\n${otherKey}\n${short}` },
    { 'b.ndjson': batch, 't.age': encrypted },
  )
  expect(step.errors).toEqual([
    'Input `tokens-key` line 3 is not a complete identity: copy its whole line from the file of age-keygen',
  ])
  expect(step.masks).toEqual(expect.arrayContaining([otherKey, short]))
  expect(step.visible).not.toContain(short.slice(17))
})

test('an encrypted batch has the journal name and the digest of the plain one, and resumes its journal', async () => {
  const server = await startServer()
  const where = { folder: newFolder(), server }
  const inputs = { 'batch-file': 'b.ndjson', tokens }
  const plain = await runStep(inputs, { 'b.ndjson': batch }, where)
  // Encrypted again, the same content is another file.
  const again = await runStep(
    { ...inputs, 'tokens-key': key },
    { 'b.ndjson': await encryptTo([identity], batch) },
    where,
  )
  expect(again).toMatchObject({ code: 0, warnings: [], sent: [] })
  expect(again.outputs).toMatchObject({ skipped: '3', journalFile: plain.outputs.journalFile })
  const digests = await Promise.all(
    [batch, await encryptTo([identity], batch)].map(async (content) => {
      const { outputs } = await runStep(
        { ...inputs, 'dry-run': 'true', 'tokens-key': key },
        { 'b.ndjson': content },
        { server },
      )
      return outputs.digest
    }),
  )
  expect(digests[0]).toMatch(/^sha256:/)
  expect(digests[1]).toBe(digests[0])
})

test('the shards of an encrypted batch send each record once', async () => {
  const content = await encryptTo([identity], batch)
  const sent = []
  for (const shard of ['1/2', '2/2']) {
    sent.push(...(await runStep({ ...inBatch, tokens, shard, 'tokens-key': key }, { 'b.ndjson': content })).sent)
  }
  expect(sent.sort()).toEqual(names.map((name) => `Bearer ${tokenOf(name)}`))
})

test('the problems of an encrypted batch are shown with their lines', async () => {
  const records = ndjson([invoiceOf('icfg_1'), { ...invoiceOf('icfg_2'), invoiceDat: '' }])
  const step = await runStep(
    { ...inBatch, tokens, 'tokens-key': key },
    { 'b.ndjson': await encryptTo([identity], records) },
  )
  expect(step.errors).toEqual([expect.stringContaining('did you mean `invoiceDate`?')])
  expect(step.sent).toEqual([])
})

test('an encrypted file of more than 64 MiB is refused with the limit, before it is read', async () => {
  const fileBytes = encrypted.length + (64 << 20)
  for (const inputs of [{ 'batch-file': 'f.age' }, { 'payload-file': 'f.age' }]) {
    const step = await runStep(
      { ...inputs, token: 'a-token', 'tokens-key': key },
      { 'f.age': encrypted },
      { fileBytes },
    )
    expect(step.errors).toEqual([expect.stringMatching(/larger than 64 MiB/)])
    expect(existsSync(join(step.folder, 'f.age'))).toBe(true)
  }
})
