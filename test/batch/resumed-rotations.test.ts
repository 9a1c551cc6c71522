// Rotations that a run left incomplete or without an outcome: what the next run finds in new-tokens-file counts.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { BatchInputs, BatchResult } from '../../src/batch/run.ts'
import type { HttpRequest, HttpResponse } from '../../src/http/transport.ts'
import { TransportError } from '../../src/http/transport-error.ts'
import { answer, journalLines, journalOf, runTestBatch } from './batch-runner.ts'
import { newFolder } from './files.ts'

const record = { integrationConfigurationId: 'icfg_1', clientId: 'oac_1', clientSecret: 'client-secret-1' }
const oldToken = 'installation-token'
const newToken = 'issued-token-1'

/** Vercel's credentials of one installation. */
class TestCredentials {
  readonly live = new Set([oldToken])
  rotations = 0

  readonly respond = ({ method, url, headers, body }: HttpRequest): HttpResponse => {
    const token = String(headers.authorization).slice('Bearer '.length)
    if (!this.live.has(token)) return answer(403, { error: { code: 'forbidden', message: 'Not authorized' } })
    if (method === 'GET') return answer(200, { name: 'Acme' })
    if (url.pathname.endsWith('/revoke')) {
      const revoked = (JSON.parse(body ?? '{}') as { token: string }).token
      return answer(200, this.live.delete(revoked) ? { revoked: true } : { already_revoked: true })
    }
    this.rotations++
    this.live.add(newToken)
    return answer(200, { access_token: newToken, token_type: 'Bearer' })
  }
}

const runRotation = (
  workspace: string,
  respond: (request: HttpRequest) => HttpResponse,
  inputs: Partial<BatchInputs> = {},
): Promise<BatchResult> =>
  runTestBatch({
    workspace,
    name: 'rotateInstallationCredential',
    records: [record],
    respond,
    inputs: { newTokensFile: 'new.json', ...inputs },
  })

/** Removes the last line of the journal, which a killed run did not write. */
const forgetOutcome = (workspace: string) =>
  writeFileSync(journalOf(workspace), `${journalLines(workspace).slice(0, -1).join('\n')}\n`)

const storedIn = (workspace: string): unknown => JSON.parse(readFileSync(join(workspace, 'new.json'), 'utf8'))
const failureOf = ({ report }: BatchResult) => report?.ledger?.failures()[0]

test.each([false, true])(
  'a rotation whose token is stored is completed, and not made again (revoke-previous: %s)',
  async (revokesPrevious) => {
    const [workspace, credentials] = [newFolder(), new TestCredentials()]
    await runRotation(workspace, credentials.respond, { revokesPrevious })
    forgetOutcome(workspace)
    const result = await runRotation(workspace, credentials.respond, { revokesPrevious })
    expect(result.failure).toBeUndefined()
    expect(credentials.rotations).toBe(1)
    expect(storedIn(workspace)).toEqual({ icfg_1: newToken })
    expect([...credentials.live]).toEqual(revokesPrevious ? [newToken] : [oldToken, newToken])
    expect(result.warnings.map(({ message }) => message)).toEqual([
      'line 1: An earlier run stored the new token in `new-tokens-file`, and this run verified it',
    ])
    // The journal has the outcome: a third run sends nothing.
    const third = await runRotation(workspace, () => answer(500), { revokesPrevious })
    expect(third.report).toMatchObject({ skipped: 1 })
  },
)

test('a resume without the tokens of the earlier runs says so', async () => {
  const [workspace, credentials] = [newFolder(), new TestCredentials()]
  const aboutFile = ({ warnings }: BatchResult) =>
    warnings.filter(({ message }) => message.startsWith('new-tokens-file'))
  expect(aboutFile(await runRotation(workspace, credentials.respond))).toEqual([])
  const resume = async (newTokensFile: string) =>
    (await runRotation(workspace, () => answer(500), { newTokensFile })).warnings.map(({ message }) => message)
  expect(await resume('new.json')).toEqual([])
  expect(await resume('other\\new.json')).toEqual([
    'new-tokens-file "other\\new.json" had no tokens, and 1 record was rotated in earlier runs: their new tokens are in the file that those runs wrote. Check that you have them, and keep the file together with the journal',
  ])
})

test('a resume without the tokens of several rotations says so', async () => {
  const [workspace, credentials] = [newFolder(), new TestCredentials()]
  const records = [record, { ...record, integrationConfigurationId: 'icfg_2' }]
  const rotate = (newTokensFile: string) =>
    runTestBatch({
      workspace,
      name: 'rotateInstallationCredential',
      records,
      respond: credentials.respond,
      inputs: { newTokensFile },
    })
  await rotate('new.json')
  expect((await rotate('other.json')).warnings.map(({ message }) => message)).toEqual([
    'new-tokens-file "other.json" had no tokens, and 2 records were rotated in earlier runs: their new tokens are in the file that those runs wrote. Check that you have them, and keep the file together with the journal',
  ])
})

test('a stored token that cannot be verified leaves the outcome unknown, and the record is not rotated again', async () => {
  const [workspace, credentials] = [newFolder(), new TestCredentials()]
  await runRotation(workspace, credentials.respond)
  forgetOutcome(workspace)
  const result = await runRotation(workspace, () => answer(500, { error: { code: 'internal', message: 'Try later' } }))
  expect(failureOf(result)?.event).toBe('unknown')
  await runRotation(workspace, credentials.respond)
  expect(credentials.rotations).toBe(1)
})

describe('a rotation whose previous token could not be revoked', () => {
  const isRevocation = ({ url }: HttpRequest) => url.pathname.endsWith('/revoke')
  const refusal = answer(500, { error: { code: 'internal', message: 'Try later' } })

  test.each([
    ['the revocation had no effect', () => {}],
    ['the revocation took effect', (credentials: TestCredentials) => credentials.live.delete(oldToken)],
  ])('is completed by the next run, and not made again, if %s', async (_, act) => {
    const [workspace, credentials] = [newFolder(), new TestCredentials()]
    const first = await runRotation(
      workspace,
      (request) => {
        if (!isRevocation(request)) return credentials.respond(request)
        act(credentials)
        return refusal
      },
      { revokesPrevious: true },
    )
    expect(failureOf(first)).toMatchObject({
      event: 'unknown',
      message: expect.stringMatching(/stored as .*could not be revoked/),
      hint: expect.stringContaining('The new token works'),
    })
    expect(first.failure?.message).toContain('Another run completes a rotation whose new token is in `new-tokens-file`')
    const second = await runRotation(workspace, credentials.respond, { revokesPrevious: true })
    expect(second.failure).toBeUndefined()
    expect(credentials.rotations).toBe(1)
    expect([...credentials.live]).toEqual([newToken])
    expect(storedIn(workspace)).toEqual({ icfg_1: newToken })
  })

  test('is made again if the file had another token of the installation before', async () => {
    const [workspace, credentials] = [newFolder(), new TestCredentials()]
    writeFileSync(join(workspace, 'new.json'), JSON.stringify({ icfg_1: 'token-of-last-month' }))
    const first = await runRotation(
      workspace,
      (request) => (isRevocation(request) ? refusal : credentials.respond(request)),
      { revokesPrevious: true },
    )
    expect(failureOf(first)?.event).toBe('failed')
    const second = await runRotation(workspace, credentials.respond, { revokesPrevious: true })
    expect(second.failure).toBeUndefined()
    expect([...credentials.live]).toEqual([newToken])
  })
})

test('the current token still works if no token of the installation is stored', async () => {
  const [workspace, credentials] = [newFolder(), new TestCredentials()]
  const lost = (request: HttpRequest) => {
    credentials.respond(request)
    throw new TransportError('timeout', 'no response', { mayHaveArrived: true })
  }
  await runRotation(workspace, lost)
  const { report } = await runRotation(workspace, credentials.respond)
  const [failure] = report?.ledger?.failures() ?? []
  expect(failure).toMatchObject({ event: 'unknown', hint: expect.stringContaining('The current token still works') })
  expect(failure?.hint).toContain('put it in a new batch file with its own `journal-file`')
  expect(credentials.rotations).toBe(1)
})

test('a token that was stored before the rotation says nothing about it', async () => {
  const [workspace, credentials] = [newFolder(), new TestCredentials()]
  writeFileSync(join(workspace, 'new.json'), JSON.stringify({ icfg_1: 'token-of-last-month' }))
  const lost = (): HttpResponse => {
    throw new TransportError('timeout', 'no response', { mayHaveArrived: true })
  }
  await runRotation(workspace, lost)
  const failure = failureOf(await runRotation(workspace, credentials.respond))
  expect(failure?.message).toContain('`new-tokens-file` has another token of the installation')
  expect(failure?.hint).toContain('Find out with getAccountInfo which token works')
  expect(failure?.hint).not.toContain('The current token still works')
})
