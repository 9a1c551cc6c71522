import { describe, expect, test } from 'vitest'
import type { Failure } from '../../src/failure.ts'
import { readInputs, readOperation, readSecrets, wantsSummary } from '../../src/inputs/read.ts'
import { readOwnInputs } from '../../src/inputs/read-own.ts'
import { type InputName, inputNames, rowOf } from '../../src/inputs/table.ts'
import { findOperation } from '../../src/operations/catalogue.ts'
import { testRunner } from '../test-runner.ts'

// Of no file.
const ageKey = `AGE-SECRET-KEY-1${'Q'.repeat(58)}`

type StepInputs = Readonly<Partial<Record<InputName, string>>>

const env = { GITHUB_REPOSITORY: 'octo-org/octo-repo' }
function read(inputs: StepInputs, variables: NodeJS.ProcessEnv = env) {
  const { operation: name = '' } = inputs
  const operation = findOperation(name)
  const runner = testRunner(inputs)
  return operation ? readInputs(runner, operation, variables) : readOwnInputs(runner, name, variables)
}

/** The messages of the problems; none if the inputs are valid. */
function problemsOf(inputs: StepInputs): readonly string[] {
  try {
    read(inputs)
    return []
  } catch (error) {
    const { code, diagnostics } = error as Failure
    expect(code).toBe('invalid_input')
    return diagnostics.map(({ message }) => message)
  }
}

/** A valid value of each input that is not its default. */
const validValues: Readonly<Record<InputName, string>> = {
  operation: 'submitInvoice',
  payload: '{}',
  'payload-file': 'payload.json',
  token: 'a-token',
  'installation-id': 'icfg_1',
  'resource-id': 'db-1',
  'invoice-id': 'inv_1',
  'member-id': 'user_1',
  'api-url': 'sandbox',
  'dry-run': 'true',
  summary: 'false',
  'max-attempts': '2',
  'attempt-timeout': '5',
  'retry-timeout': '50',
  'max-amount': '500.00',
  'max-total': '500.00',
  'compare-with': 'last.ndjson',
  'max-change': '20',
  'fail-on-warning': 'true',
  'expect-digest': `sha256:${'0'.repeat(64)}`,
  'report-file': 'report.csv',
  'external-id': 'none',
  'on-duplicate': 'succeed',
  'on-gone': 'skip',
  'wait-for': 'paid',
  'fail-on': 'overdue',
  'wait-timeout': '60',
  'wait-interval': '1',
  'batch-file': 'b.ndjson',
  tokens: '{"icfg_1":"token-1"}',
  'tokens-file': 'tokens.json',
  'tokens-key': ageKey,
  concurrency: '2',
  shard: '1/2',
  'journal-file': 'journal.ndjson',
  'max-failures': '3',
  'store-secret': 'VERCEL_TOKEN',
  'store-secret-environment': 'production',
  'store-secret-organization': 'octo-org',
  'github-token': 'a-github-token',
  'new-tokens-file': 'new-tokens.json',
  'revoke-previous': 'true',
}

const request = { operation: 'submitInvoice', token: 'a-token' } satisfies StepInputs
const batch = { ...request, 'batch-file': 'b.ndjson' } satisfies StepInputs
const rotation = { operation: 'rotateInstallationCredential', token: 'a-token' } satisfies StepInputs
const merge = { operation: 'mergeJournals', 'journal-file': 'journal.ndjson' } satisfies StepInputs

const track = { operation: 'trackInvoices', token: 'a-token', 'journal-file': 'journal.ndjson' } satisfies StepInputs

const trackingInputs: readonly InputName[] = [
  'operation',
  'token',
  'tokens',
  'tokens-file',
  'api-url',
  'summary',
  'max-attempts',
  'attempt-timeout',
  'retry-timeout',
  'concurrency',
  'journal-file',
  'report-file',
  'wait-for',
  'fail-on',
]

const rotationInputs: readonly InputName[] = [
  'store-secret',
  'store-secret-environment',
  'store-secret-organization',
  'github-token',
  'new-tokens-file',
  'revoke-previous',
]
const batchOnlyInputs: readonly InputName[] = [
  'tokens',
  'tokens-file',
  'concurrency',
  'shard',
  'journal-file',
  'max-failures',
  'max-total',
  'compare-with',
  'max-change',
  'report-file',
  'on-gone',
]

describe.each<[task: string, base: StepInputs, unused: readonly InputName[]]>([
  [
    'a request',
    request,
    [
      'resource-id',
      'invoice-id',
      'member-id',
      'wait-timeout',
      'wait-interval',
      'fail-on',
      'tokens-key',
      ...batchOnlyInputs,
      ...rotationInputs,
    ],
  ],
  [
    'a batch',
    batch,
    [
      'installation-id',
      'resource-id',
      'invoice-id',
      'member-id',
      'max-change',
      'wait-for',
      'wait-timeout',
      'wait-interval',
      'fail-on',
      ...rotationInputs,
    ],
  ],
  [
    'a rotation',
    rotation,
    [
      'resource-id',
      'invoice-id',
      'member-id',
      'max-amount',
      'external-id',
      'on-duplicate',
      'wait-for',
      'wait-timeout',
      'wait-interval',
      'fail-on',
      'tokens-key',
      ...batchOnlyInputs,
      'store-secret-environment',
      'store-secret-organization',
      'github-token',
      'new-tokens-file',
      'revoke-previous',
    ],
  ],
  [
    'mergeJournals',
    merge,
    inputNames.filter((name) => !['operation', 'journal-file', 'summary', 'report-file'].includes(name)),
  ],
  ['trackInvoices', track, inputNames.filter((name) => !trackingInputs.includes(name))],
])('%s', (_, base, unused) => {
  test('is valid as it is', () => {
    expect(problemsOf(base)).toEqual([])
  })

  test.each(inputNames.filter((name) => !(name in base)))('uses %s, or refuses it with the reason', (name) => {
    const problems = problemsOf({ ...base, [name]: validValues[name] })
    const refusal = problems.find((problem) => problem.startsWith(`Input \`${name}\` is not used by `))
    if (unused.includes(name)) expect(refusal).toMatch(/ is not used by \w+: \w.{10,}/)
    else expect(refusal).toBeUndefined()
  })

  test('accepts the default of every input, because the runner sets it', () => {
    const defaults = inputNames.map((name) => [name, rowOf(name).default ?? ''])
    expect(problemsOf({ ...Object.fromEntries(defaults), ...base })).toEqual([])
  })
})

test('all problems of the inputs are reported at once', () => {
  expect(problemsOf({ operation: 'getInvoice', 'wait-timeout': '0', shard: '5/4', summary: 'maybe' })).toEqual([
    "Input `token` is missing: give the installation's credentials.access_token, and check that the secret it comes from is set",
    'Input `wait-timeout` is not used by getInvoice: it goes with `wait-for`',
    'Input `shard` is not used by getInvoice: it goes with `batch-file`',
    'Input `summary` must be true or false',
    'Input `wait-timeout` must be a positive whole number of seconds, such as 600',
    'Input `shard` is 5/4: the first number must be between 1 and 4',
  ])
})

test.each<[inputs: StepInputs, problem: string]>([
  [
    { ...request, payload: '{}', 'payload-file': 'a.json' },
    'Inputs `payload` and `payload-file` exclude each other: give one of the two',
  ],
  [{ ...batch, payload: '{}' }, 'Inputs `batch-file` and `payload` exclude each other: give one of the two'],
  [
    { ...batch, tokens: '{}', 'tokens-file': 'a' },
    'Inputs `tokens` and `tokens-file` exclude each other: give one of the two',
  ],
  [
    { ...batch, 'external-id': 'one' },
    'Input `external-id` must be `auto` or `none` in a batch: Vercel accepts each key once',
  ],
  [
    { ...rotation, 'batch-file': 'b.ndjson' },
    'Input `new-tokens-file` is missing: a batch of rotations needs a file for the new tokens',
  ],
  [
    { ...rotation, 'store-secret': 'A' },
    'Input `github-token` is missing: `store-secret` needs a token that may write the secret',
  ],
  [{ operation: 'mergeJournals' }, 'Input `journal-file` is missing: give the journals, one path or glob per line'],
  [
    { operation: 'trackInvoices', token: 'a-token' },
    'Input `journal-file` is missing: give the journals, one path or glob per line',
  ],
  [
    { operation: 'trackInvoices', 'journal-file': 'j' },
    'Input `tokens` is missing: give the access tokens of the installations in `tokens`, `tokens-file` or `token`',
  ],
  [{ ...track, 'wait-timeout': '5' }, 'Input `wait-timeout` is not used by trackInvoices: it goes with `wait-for`'],
  [
    { ...track, tokens: '{}', 'tokens-file': 'f' },
    'Inputs `tokens` and `tokens-file` exclude each other: give one of the two',
  ],
  [
    { ...request, payload: '{}', 'tokens-key': ageKey },
    'Input `tokens-key` is not used by submitInvoice: it goes with `payload-file` or `batch-file` or `tokens-file`',
  ],
  [{ ...track, 'tokens-key': ageKey }, 'Input `tokens-key` is not used by trackInvoices: it goes with `tokens-file`'],
  [
    { ...track, 'fail-on': 'overdu' },
    'Input `fail-on` names a state that no invoice has: "overdu"; did you mean `overdue`?',
  ],
  [
    { ...track, 'dry-run': 'true' },
    'Input `dry-run` is not used by trackInvoices: it only reads the invoices of journals',
  ],
])('%j is refused', (inputs, problem) => {
  expect(problemsOf(inputs)).toContain(problem)
})

test('an input that does not exist is refused for each task', () => {
  const withUnknown = { ...env, INPUT_DRY_RUN: 'true' }
  for (const inputs of [request, batch, merge, track]) {
    expect(() => read(inputs, withUnknown)).toThrow('Input "dry_run" does not exist; did you mean `dry-run`?')
  }
})

test.each<[task: string, inputs: StepInputs]>([
  ['a request with a file', { ...request, 'payload-file': 'p.age' }],
  ['a batch', batch],
  ['trackInvoices with a file of tokens', { ...track, 'tokens-file': 't.age' }],
])('%s uses tokens-key', (_, inputs) => {
  expect(read({ ...inputs, 'tokens-key': ageKey })).toMatchObject({ tokensKey: ageKey })
})

test('a secret of the repository needs to know the repository', () => {
  const inputs = { ...rotation, 'store-secret': 'A', 'github-token': 'b' }
  expect(() => read(inputs, {})).toThrow('GITHUB_REPOSITORY is not set')
  expect(read(inputs)).toMatchObject({ store: { name: 'A', repository: 'octo-org/octo-repo' } })
})

test('each task has its inputs, parsed', () => {
  expect(read({ ...request, 'installation-id': ' icfg_1 ', 'wait-for': 'paid', payload: ' {} ' })).toMatchObject({
    task: 'request',
    operation: { sdkName: 'submitInvoice' },
    payload: ' {} ',
    parameters: { 'installation-id': 'icfg_1' },
    limits: { maxAttempts: 5, attemptTimeoutMs: 30_000, retryTimeoutMs: 300_000 },
    wait: { states: ['paid'], timeoutMs: 600_000, intervalMs: 10_000 },
    store: undefined,
  })
  expect(read({ ...batch, shard: '2/4', concurrency: '3' })).toMatchObject({
    task: 'batch',
    path: 'b.ndjson',
    shard: { index: 2, count: 4 },
    concurrency: 3,
    maxFailures: undefined,
  })
  expect(read({ ...merge, 'journal-file': ' a.ndjson \n\n b/*.ndjson\n' })).toEqual({
    task: 'merge',
    journals: ['a.ndjson', 'b/*.ndjson'],
  })
  expect(read({ ...track, 'fail-on': 'overdue, unknown', 'wait-for': 'paid,refunded', concurrency: '3' })).toEqual({
    task: 'track',
    journals: ['journal.ndjson'],
    destination: { sandbox: false, baseUrl: 'https://api.vercel.com' },
    token: 'a-token',
    tokens: undefined,
    tokensFile: undefined,
    tokensKey: undefined,
    limits: { maxAttempts: 5, attemptTimeoutMs: 30_000, retryTimeoutMs: 300_000 },
    concurrency: 3,
    wait: { states: ['paid', 'refunded'], timeoutMs: 600_000, intervalMs: 10_000 },
    failOn: ['overdue', 'unknown'],
  })
})

describe('the operation', () => {
  const readName = (operation: string) => readOperation(testRunner({ operation }))

  test.each([
    ['submitInvoice', 'submitInvoice'],
    ['submit-invoice', 'submitInvoice'],
    ['merge-journals', 'mergeJournals'],
    ['track-invoices', 'trackInvoices'],
  ])('can be %s', async (operation, name) => {
    expect((await readName(operation)).name).toBe(name)
  })

  test('that does not exist is refused with the nearest name and all names', async () => {
    await expect(readName('submitInvoices')).rejects.toThrow(
      /^There is no operation "submitInvoices"; did you mean `submitInvoice`\? All operations: docs\/operations\.md$/,
    )
    await expect(readName('xxxxxxxxxxxxxxxx')).rejects.toThrow(
      /^There is no operation "xxxxxxxxxxxxxxxx"\. All operations: docs\/operations\.md$/,
    )
    await expect(readName('bill-customer')).rejects.toThrow(
      '"bill-customer". Related: submitBillingData, submitInvoice. All operations: docs/operations.md',
    )
    for (const [tried, meant] of [
      ['refundInvoice', 'updateInvoice'],
      ['refund-invoice', 'updateInvoice'],
      ['createInvoice', 'submitInvoice'],
      ['rotateToken', 'rotateInstallationCredential'],
      ['submitUsage', 'submitBillingData'],
    ]) {
      await expect(readName(`${tried}`)).rejects.toThrow(`There is no operation "${tried}"; did you mean \`${meant}\`?`)
    }
    await expect(readName('')).rejects.toMatchObject({
      code: 'unknown_operation',
      message: expect.stringMatching(
        /^Input `operation` is missing\. Choose one of: .*\bgetInvoice, .*\btrackInvoices\b/,
      ),
    })
    for (const [tried, meant] of [
      ['mergeJournal', 'mergeJournals'],
      ['track-invoice', 'trackInvoices'],
    ]) {
      await expect(readName(`${tried}`)).rejects.toMatchObject({
        code: 'unknown_operation',
        message: expect.stringContaining(`did you mean \`${meant}\`?`),
      })
    }
  })
})

test('secrets and the summary are read from invalid inputs too', () => {
  const runner = testRunner({
    operation: 'nothing',
    token: 'a-token',
    tokens: '{"icfg_1":"token-1"}',
    summary: 'FALSE',
  })
  expect(readSecrets(runner)).toEqual(['a-token', '{"icfg_1":"token-1"}', 'token-1'])
  expect(wantsSummary(runner)).toBe(false)
  expect(wantsSummary(testRunner({ summary: 'maybe' }))).toBe(true)
})

test('a blank token is no secret: masked, it would hide the blanks of the log', () => {
  const tokens = '{"icfg_1":" ","icfg_2":"token-2"}'
  expect(readSecrets(testRunner({ token: ' ', tokens }))).toEqual([tokens, 'token-2'])
})

test('an input of blanks is not given', () => {
  const blanks = Object.fromEntries(inputNames.map((name) => [name, ' \n']))
  expect(read({ ...blanks, ...request, payload: '{}' })).toEqual(read({ ...request, payload: '{}' }))
  expect(problemsOf({ ...request, token: ' ' })).toEqual(problemsOf({ operation: 'submitInvoice' }))
})
