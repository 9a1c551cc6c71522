// What becomes of each input: a value that is read under a wrong name would make a dry run send, or a limit vanish.

import { describe, expect, test } from 'vitest'
import { type BatchStepInputs, type RequestInputs, readInputs } from '../../src/inputs/read.ts'
import { readOwnInputs } from '../../src/inputs/read-own.ts'
import { unknownInputs } from '../../src/inputs/rules.ts'
import type { InputName } from '../../src/inputs/table.ts'
import { type OperationName, operationNamed } from '../../src/operations/catalogue.ts'
import { testRunner } from '../test-runner.ts'

type StepInputs = Readonly<Partial<Record<InputName, string>>>

const digest = `sha256:${'0'.repeat(64)}`
/** The inputs of a request or a batch, which have some names in common. */
const read = (name: OperationName, inputs: StepInputs, env: NodeJS.ProcessEnv = {}) =>
  readInputs(testRunner({ operation: name, ...inputs }), operationNamed(name), env) as Partial<
    RequestInputs & BatchStepInputs
  >
const problemOf = (name: OperationName, inputs: StepInputs, env: NodeJS.ProcessEnv = {}) => {
  try {
    read(name, inputs, env)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

const limits = { 'max-attempts': '7', 'attempt-timeout': '8', 'retry-timeout': '9' }
const readLimits = { maxAttempts: 7, attemptTimeoutMs: 8000, retryTimeoutMs: 9000 }

describe('a request', () => {
  test('has each of its inputs', () => {
    const inputs = read('submitInvoice', {
      payload: ' {}',
      token: 'a-token',
      'installation-id': 'icfg_1',
      'api-url': 'https://proxy.example/base',
      'dry-run': 'true',
      'fail-on-warning': 'true',
      'external-id': 'november',
      'on-duplicate': 'succeed',
      'max-amount': '500.00',
      'expect-digest': digest,
      'wait-for': 'paid, overdue',
      'wait-timeout': '60',
      'wait-interval': '2',
      ...limits,
    })
    expect(inputs).toEqual({
      task: 'request',
      operation: operationNamed('submitInvoice'),
      token: 'a-token',
      destination: { sandbox: false, baseUrl: 'https://proxy.example/base' },
      dryRun: true,
      failsOnWarning: true,
      limits: readLimits,
      externalId: 'november',
      onDuplicate: 'succeed',
      maxAmount: '500.00',
      tokensKey: undefined,
      expectDigest: digest,
      payload: expect.stringContaining('{}'),
      payloadFile: undefined,
      parameters: { 'installation-id': 'icfg_1' },
      wait: { states: ['paid', 'overdue'], timeoutMs: 60_000, intervalMs: 2000 },
      store: undefined,
    })
  })

  test('has defaults, which send', () => {
    expect(read('getInvoice', { token: 'a-token', 'payload-file': 'p.json' })).toMatchObject({
      destination: { sandbox: false, baseUrl: 'https://api.vercel.com' },
      dryRun: false,
      failsOnWarning: false,
      limits: { maxAttempts: 5, attemptTimeoutMs: 30_000, retryTimeoutMs: 300_000 },
      externalId: 'auto',
      onDuplicate: 'fail',
      payload: undefined,
      payloadFile: 'p.json',
      parameters: {},
      wait: undefined,
    })
  })

  const rotation = { token: 'a-token', payload: '{}', 'store-secret': 'TOKEN', 'github-token': 'gh-token' }
  const env = { GITHUB_REPOSITORY: 'octo-org/octo-repo' }

  test('of a rotation has where its token is stored', () => {
    const store = {
      name: 'TOKEN',
      repository: 'octo-org/octo-repo',
      environment: undefined,
      organization: undefined,
      githubToken: 'gh-token',
      revokesPrevious: false,
    }
    const storeOf = (inputs: StepInputs) => read('rotateInstallationCredential', { ...rotation, ...inputs }, env).store
    expect(storeOf({})).toEqual(store)
    expect(storeOf({ 'revoke-previous': 'true' })).toEqual({ ...store, revokesPrevious: true })
    expect(storeOf({ 'store-secret-environment': 'production' })).toEqual({ ...store, environment: 'production' })
    expect(storeOf({ 'store-secret-organization': 'octo-org' })).toEqual({ ...store, organization: 'octo-org' })
  })

  test.each([undefined, '', 'octo-org', 'octo-org/', '/octo-repo', 'a/b/c'])(
    'stores nothing in the repository %j',
    (GITHUB_REPOSITORY) => {
      const env = GITHUB_REPOSITORY === undefined ? {} : { GITHUB_REPOSITORY }
      expect(problemOf('rotateInstallationCredential', rotation, env)).toBe(
        'GITHUB_REPOSITORY is not set, so there is no repository for `store-secret`',
      )
      const organization = { ...rotation, 'store-secret-organization': 'octo-org' }
      expect(read('rotateInstallationCredential', organization, env).store).toMatchObject({
        organization: 'octo-org',
        repository: GITHUB_REPOSITORY ?? '',
      })
    },
  )

  test('needs no repository if it stores nothing', () => {
    expect(problemOf('getAccountInfo', { token: 'a-token', 'installation-id': 'icfg_1' })).toBeUndefined()
  })
})

describe('a batch', () => {
  test('has each of its inputs', () => {
    const inputs = read('submitInvoice', {
      'batch-file': 'b.ndjson',
      token: 'a-token',
      'tokens-file': 'tokens.json',
      'api-url': 'sandbox',
      'dry-run': 'true',
      'fail-on-warning': 'true',
      'external-id': 'none',
      'on-duplicate': 'succeed',
      'on-gone': 'skip',
      'max-amount': '500.00',
      'max-total': '900.00',
      'compare-with': 'last.ndjson\nolder.ndjson',
      'max-change': '20 %',
      'expect-digest': digest,
      'report-file': 'report.csv',
      concurrency: '2',
      shard: '1/2',
      'journal-file': 'journal.ndjson',
      'max-failures': '3',
      ...limits,
    })
    expect(inputs).toEqual({
      task: 'batch',
      operation: operationNamed('submitInvoice'),
      token: 'a-token',
      destination: { sandbox: true },
      dryRun: true,
      failsOnWarning: true,
      limits: readLimits,
      externalId: 'none',
      onDuplicate: 'succeed',
      maxAmount: '500.00',
      tokensKey: undefined,
      expectDigest: digest,
      path: 'b.ndjson',
      tokens: undefined,
      tokensFile: 'tokens.json',
      concurrency: 2,
      shard: { index: 1, count: 2 },
      journalFile: 'journal.ndjson',
      maxFailures: 3,
      onGone: 'skip',
      maxTotal: '900.00',
      compareWith: ['last.ndjson', 'older.ndjson'],
      maxChange: '20',
      reportFile: 'report.csv',
      newTokensFile: undefined,
      revokesPrevious: false,
    })
  })

  test('of rotations has the file of the new tokens', () => {
    const inputs = { 'batch-file': 'b.ndjson', tokens: '{"icfg_1":"t-1"}', 'new-tokens-file': 'new.json' }
    expect(read('rotateInstallationCredential', { ...inputs, 'revoke-previous': 'true' })).toMatchObject({
      tokens: '{"icfg_1":"t-1"}',
      newTokensFile: 'new.json',
      revokesPrevious: true,
      onGone: 'fail',
      concurrency: 16,
      shard: { index: 1, count: 1 },
    })
  })

  test('has no key of its own, and is not for every operation', () => {
    const batch = { 'batch-file': 'b.ndjson', token: 'a-token' }
    expect(problemOf('submitInvoice', { ...batch, 'external-id': 'november' })).toBe(
      'Input `external-id` must be `auto` or `none` in a batch: Vercel accepts each key once',
    )
    for (const mode of ['auto', 'none'])
      expect(problemOf('submitInvoice', { ...batch, 'external-id': mode })).toBeUndefined()
    const { batchProblem } = operationNamed('exchangeSsoToken')
    expect(batchProblem).toBeDefined()
    expect(problemOf('exchangeSsoToken', { 'batch-file': 'b.ndjson' })).toContain(
      `exchangeSsoToken cannot run as a batch: ${batchProblem}`,
    )
  })

  test('names the reactions that an operation knows', () => {
    expect(problemOf('submitInvoice', { token: 'a-token', payload: '{}', 'on-duplicate': 'send' })).toBe(
      'Input `on-duplicate` must be fail or succeed for submitInvoice',
    )
    expect(problemOf('updateInvoice', { token: 'a-token', payload: '{}', 'on-duplicate': 'send' })).toBeUndefined()
  })
})

describe('an operation of ours', () => {
  test('trackInvoices has each of its inputs', () => {
    const inputs = {
      'journal-file': 'a.ndjson\n\n b.ndjson ',
      'report-file': 'report.csv',
      'api-url': 'sandbox',
      token: 'a-token',
      'tokens-file': 'tokens.json',
      concurrency: '3',
      'wait-for': 'paid',
      'wait-timeout': '60',
      'wait-interval': '2',
      'fail-on': 'overdue,unknown',
      ...limits,
    }
    expect(readOwnInputs(testRunner(inputs), 'trackInvoices', {})).toEqual({
      task: 'track',
      journals: ['a.ndjson', 'b.ndjson'],
      reportFile: 'report.csv',
      destination: { sandbox: true },
      token: 'a-token',
      tokens: undefined,
      tokensFile: 'tokens.json',
      tokensKey: undefined,
      limits: readLimits,
      concurrency: 3,
      wait: { states: ['paid'], timeoutMs: 60_000, intervalMs: 2000 },
      failOn: ['overdue', 'unknown'],
    })
    for (const token of [{ tokens: '{"icfg_1":"t"}' }, { token: 'a-token' }]) {
      const { 'fail-on': _, token: __, 'tokens-file': ___, ...rest } = inputs
      expect(readOwnInputs(testRunner({ ...rest, ...token }), 'trackInvoices', {})).toMatchObject({
        ...token,
        failOn: [],
      })
    }
  })

  test('mergeJournals has its journals and its report', () => {
    const inputs = { 'journal-file': '*.ndjson', 'report-file': 'report.csv' }
    expect(readOwnInputs(testRunner(inputs), 'mergeJournals', {})).toEqual({
      task: 'merge',
      journals: ['*.ndjson'],
      reportFile: 'report.csv',
    })
  })
})

test('inputs that do not exist are named, those that do are not', () => {
  const env = {
    'INPUT_DRY-RUN': '',
    INPUT_PAYLOAD: '',
    INPUT_DRY_RUN: 'true',
    INPUT_ZZZZZZ: '',
    OTHER: '',
    input_x: '',
  }
  expect(unknownInputs(env)).toEqual([
    'Input "dry_run" does not exist; did you mean `dry-run`?',
    'Input "zzzzzz" does not exist; the documentation lists all inputs',
  ])
})

test('all problems are told, a line for each', () => {
  const inputs = { token: 'a-token', payload: '{}', 'max-attempts': 'x', 'wait-timeout': '0' }
  expect(problemOf('submitInvoice', inputs)?.split('\n')).toEqual([
    expect.stringContaining('`wait-timeout` is not used'),
    'Input `max-attempts` must be a positive whole number',
    'Input `wait-timeout` must be a positive whole number of seconds, such as 600',
  ])
})
