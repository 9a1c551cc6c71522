// Cases of inputs of 40 KB. Inputs arrive as environment variables, which Windows limits to 32,767 characters, and a longer
// one can be cut. What is left of a cut payload may be valid, and a smaller invoice.
// https://learn.microsoft.com/windows/win32/procthread/environment-variables

import assert from 'node:assert/strict'
import { invoice, item, token } from '../../test/e2e/invoices.ts'
import type { StepOptions, StepResult } from '../../test/e2e/step-files.ts'
import type { Case, Trial } from './trial.ts'

const length = 40_000
const maxVariableChars = 32_767

/** Runs a step. Resolves with the reason if the system does not start it. */
async function tryStep(trial: Trial, options: StepOptions): Promise<StepResult | string> {
  try {
    return await trial.run(options)
  } catch (error) {
    return (error as Error).message
  }
}

/** Checks that an input arrived whole, or that the step was refused, sent nothing, and said which input to use instead. */
async function arrivesOrIsRefused(
  trial: Trial,
  given: Record<string, string>,
  files: Record<string, string>,
  { isWhole, advice }: { isWhole: (body: unknown, authorization?: string) => boolean; advice: string },
): Promise<string> {
  const server = await trial.startServer()
  const step = await tryStep(trial, { with: { ...given, operation: 'submitInvoice', 'api-url': server.url }, files })
  if (typeof step === 'string') return `the system does not start the step: ${step}`
  const [arrival] = server.arrivals
  if (arrival) {
    assert.ok(isWhole(arrival.body, arrival.headers.authorization), 'less than the whole input arrived')
    assert.equal(step.code, 0)
    return 'arrives whole'
  }
  assert.equal(step.code, 1)
  assert.ok(step.errors[0]?.includes(advice), `refused without the advice to use ${advice}: ${step.errors[0]}`)
  return 'refused'
}

const { items: _, ...head } = invoice
const itemNamed = (name: string) => JSON.stringify({ ...item, billingPlanId: name, name })

/** YAML with one field per line. */
const yamlOf = (fields: object) =>
  Object.entries(fields)
    .map(([field, value]) => `${field}: ${JSON.stringify(value)}\n`)
    .join('')

/** A list of items, and its text. */
class ItemList {
  text = ''
  count = 0
  readonly #lineOf: (item: string) => string

  constructor(lineOf: (item: string) => string) {
    this.#lineOf = lineOf
  }

  /** Adds items as long as the text stays shorter than this. */
  fill(chars: number): void {
    for (;;) {
      const line = this.#lineOf(itemNamed(`item ${this.count + 1}`))
      if (this.text.length + line.length >= chars) return
      this.text += line
      this.count++
    }
  }
}

const hasItems = (count: number) => (body: unknown) => (body as typeof invoice).items.length === count

async function jsonPayload(trial: Trial): Promise<string> {
  const list = new ItemList((item) => `${item},`)
  list.fill(length)
  const payload = `${JSON.stringify(head).slice(0, -1)},"items":[${list.text.slice(0, -1)}]}`
  return arrivesOrIsRefused(trial, { token, payload }, {}, { isWhole: hasItems(list.count), advice: 'payload-file' })
}

/**
 * A payload whose first `cutAt` characters are a valid invoice too, with fewer items.
 *
 * @param chars  of the whole payload
 */
async function yamlPayload(trial: Trial, cutAt: number, chars: number): Promise<string> {
  const list = new ItemList((item) => `  - ${item}\n`)
  list.text = `${yamlOf(head)}items:\n`
  for (const end of [cutAt, chars]) {
    list.fill(end - 2)
    list.text += `${'#'.padEnd(end - list.text.length - 1, '-')}\n`
  }
  assert.equal(list.text.length, chars)
  const expected = { isWhole: hasItems(list.count), advice: 'payload-file' }
  return arrivesOrIsRefused(trial, { token, payload: list.text }, {}, expected)
}

async function tokensInput(trial: Trial): Promise<string> {
  const tokens: Record<string, string> = {}
  let last = ''
  while (JSON.stringify(tokens).length < length) {
    last = `icfg_${Object.keys(tokens).length + 1}`
    tokens[last] = `token-of-installation-${last}-0123456789`
  }
  const files = { 'batch.ndjson': `${JSON.stringify({ ...invoice, integrationConfigurationId: last })}\n` }
  const isWhole = (_: unknown, authorization?: string) => authorization === `Bearer ${tokens[last]}`
  const given = { tokens: JSON.stringify(tokens), 'batch-file': 'batch.ndjson' }
  return arrivesOrIsRefused(trial, given, files, { isWhole, advice: 'tokens-file' })
}

/** What is left of a variable whose length is taken modulo 32,768. */
const remainder = 7000

export const sizeCases: readonly Case[] = [
  ['a JSON payload of 40 KB arrives whole or is refused', jsonPayload],
  [
    'a YAML payload of 40 KB that could be cut at the limit of Windows arrives whole or is refused',
    (trial) => yamlPayload(trial, maxVariableChars, length),
  ],
  [
    'a YAML payload of 40 KB that could be cut to the remainder arrives whole or is refused',
    (trial) => yamlPayload(trial, remainder, maxVariableChars + 1 + remainder),
  ],
  ['tokens of 40 KB arrive whole or are refused', tokensInput],
]
