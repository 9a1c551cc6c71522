// The log of changes, which survives the process that writes it.

import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openStore, type Store } from '../../src/sandbox/store.ts'
import { client, icfg, invoice, openTestSandbox, resource } from './sandbox.ts'

function logFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sandbox-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'state.ndjson')
}

function open(path?: string): Store {
  const store = openStore(path)
  onTestFinished(store.close)
  return store
}

function put(store: Store, name: string, value: unknown): void {
  store.put('b', name, value)
  store.flush()
}

const linesOf = (path: string) => readFileSync(path, 'utf8').split('\n').slice(0, -1)

test('the next process reads all changes; the last one counts', () => {
  const path = logFile()
  const before = open(path)
  put(before, 'x', 1)
  put(before, 'y', { a: 'ü\u2028' })
  put(before, 'x', 2)
  put(before, 'z', 3)
  put(before, 'z', null)
  const after = open(path)
  expect([...after.list('b')]).toEqual([
    ['x', 2],
    ['y', { a: 'ü\u2028' }],
  ])
  expect(after.get('b', 'z')).toBeUndefined()
  expect(after.get('other', 'x')).toBeUndefined()
})

test('without a file the state ends with the process', () => {
  put(open(), 'x', 1)
  expect(open().get('b', 'x')).toBeUndefined()
})

test("a later change of the caller's object does not change the stored value", () => {
  const store = open()
  const value = { list: [1] }
  put(store, 'x', value)
  value.list.push(2)
  expect(store.get('b', 'x')).toEqual({ list: [1] })
})

test('one flush writes one line, and none without changes', () => {
  const path = logFile()
  const store = open(path)
  store.put('b', 'x', 1)
  store.put('c', 'y', 2)
  expect(linesOf(path)).toEqual([])
  store.flush()
  store.flush()
  expect(linesOf(path)).toHaveLength(1)
})

test('an incomplete line of a killed process is ignored, and the next line is complete', () => {
  const path = logFile()
  const writer = open(path)
  put(writer, 'x', 'first')
  const { size } = statSync(path)
  put(writer, 'x', 'second')
  const whole = readFileSync(path)
  for (let cut = size; cut < whole.length; cut++) {
    writeFileSync(path, whole)
    truncateSync(path, cut)
    const store = openStore(path)
    expect([cut, store.get('b', 'x')]).toEqual([cut, 'first'])
    put(store, 'y', 'third')
    store.close()
    const next = openStore(path)
    // Only the line break is missing, so the line counts.
    expect([cut, next.get('b', 'x')]).toEqual([cut, cut === whole.length - 1 ? 'second' : 'first'])
    expect(next.get('b', 'y')).toBe('third')
    next.close()
  }
})

test('lines that the sandbox did not write change nothing', () => {
  const path = logFile()
  writeFileSync(path, 'null\n{"a":1}\n[["b","x"]]\n[1]\n["b","x",1]\n\n[["b","y",2]]\n')
  expect([...open(path).list('b')]).toEqual([['y', 2]])
})

test("concurrent steps see each other's changes before their next request", () => {
  const path = logFile()
  const stores = [open(path), open(path)]
  for (const count of [0, 1, 2, 3]) {
    const store = stores[count % 2] as Store
    store.refresh()
    expect(store.get('b', 'x')).toBe(count === 0 ? undefined : count)
    put(store, 'x', count + 1)
  }
  expect(linesOf(path)).toHaveLength(4)
})

test('an incomplete line is read after it was completed', () => {
  const path = logFile()
  const store = open(path)
  appendFileSync(path, '[["b","x",')
  store.refresh()
  expect(store.get('b', 'x')).toBeUndefined()
  appendFileSync(path, '1]]\n')
  store.refresh()
  expect(store.get('b', 'x')).toBe(1)
})

test('a line may be longer than the read buffer', () => {
  const path = logFile()
  const long = 'ü'.repeat(3 << 20)
  const writer = open(path)
  put(writer, 'x', long)
  put(writer, 'y', 1)
  const reader = open(path)
  expect(reader.get('b', 'x') === long).toBe(true)
  expect(reader.get('b', 'y')).toBe(1)
})

test('only the owner may read the file, even if it existed before', () => {
  const path = logFile()
  open(path)
  expect(statSync(path).mode & 0o777).toBe(0o600)
  const loose = logFile()
  writeFileSync(loose, '', { mode: 0o644 })
  open(loose)
  expect(statSync(loose).mode & 0o777).toBe(0o600)
})

test('a request appends only its own changes: a line is as long with a hundred resources as with one', async () => {
  const path = logFile()
  const { ask } = openTestSandbox(open(path))
  for (let count = 0; count < 100; count++) {
    const name = String(count).padStart(4, '0')
    await ask('PUT', `${icfg}/resources/db-${name}`, { body: resource })
    await ask('POST', `${icfg}/billing/invoices`, { body: { ...invoice, externalId: name } })
  }
  const lengths = linesOf(path).map((line) => line.length)
  expect(lengths.slice(-2)).toEqual(lengths.slice(2, 4))
})

test('the file contains no secret', async () => {
  const path = logFile()
  const { ask } = openTestSandbox(open(path))
  const db = `${icfg}/resources/db-1`
  const by = { token: 'token-1' }
  const secrets = [{ name: 'DB_URL', value: 'value-1', environmentOverrides: { preview: 'value-2' } }]
  await ask('PUT', db, { ...by, body: { ...resource, secrets, extras: { key: 'value-3' } } })
  await ask('PATCH', db, { ...by, body: { secrets } })
  await ask('PUT', `${db}/secrets`, { ...by, body: { secrets, partial: true } })
  const { access_token: issued } = (await ask('POST', `${icfg}/credentials/rotate`, { ...by, body: client })).body
  await ask('POST', `${icfg}/credentials/revoke`, { token: issued, body: { token: 'token-1', ...client } })
  const code = { code: 'code-1', grant_type: 'authorization_code', ...client }
  const exchanged = await ask('POST', '/v1/integrations/sso/token', { token: null, body: code })
  expect(exchanged.status).toBe(200)
  const { access_token, refresh_token, id_token } = exchanged.body
  const log = readFileSync(path, 'utf8')
  expect(log).toContain('DB_URL')
  const given = ['value-1', 'value-2', 'value-3', 'token-1', 'code-1', client.client_secret]
  for (const secret of [...given, issued, access_token, refresh_token, id_token]) {
    expect(log).not.toContain(secret)
    expect(log).not.toContain(Buffer.from(secret).toString('base64').slice(0, -2))
    expect(log).not.toContain(Buffer.from(secret).toString('hex'))
  }
})
