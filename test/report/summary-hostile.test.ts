// A summary has the same elements for hostile texts in a payload or response as for harmless ones.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { operations } from '../../src/operations/catalogue.ts'
import type { Schema } from '../../src/payload/schema.ts'
import { renderRequest } from '../../src/report/summary/request.ts'
import { runs } from '../runs.ts'
import { unicodeText } from '../unicode-text.ts'
import { legible, outline, ownText, reportOf, see } from './read.ts'

const pieces = [
  ...['# ', '- ', '> ', '1.\t', '***', '`', '```\n', '~~~\n', '|', '---\n', '\\', '[a](https://a.example)', '![a](b)'],
  ...[
    '<',
    '>',
    '&',
    '"',
    "'",
    '<b>',
    '</td>',
    '</table>',
    '</details>',
    '<details>',
    '<!--',
    '-->',
    '<![CDATA[',
    ']]>',
  ],
  ...[
    '<img src=x onerror=a()>',
    '<script>',
    '</script>',
    '<style>',
    '<h1>',
    '<a href="//a">',
    '<plaintext>',
    '<?',
    '<x ',
  ],
  ...['&lt;', '&#39;', '&#x200b', '&amp', '::error::', '##[error]', '\n', '\r\n', '\n\n', '\r', '\t', '\0', '\x1b[31m'],
  ...[
    '\x85',
    '\u2028',
    '\u2029',
    '\u00a0',
    '\u3000',
    '\ufeff',
    '\u200b',
    '\u200d',
    '\u202e',
    '\u2066',
    '\u061c',
    '\u200f',
  ],
  ...[
    '\ud83d',
    '\ude00',
    '😀',
    '👩‍🚀',
    'é',
    'x'.repeat(99),
    '@',
    'octocat',
    '#',
    '12',
    'GH-',
    'https',
    '://',
    'www',
    '.',
    ':',
  ],
]
/** Excludes amounts and times, which are formatted, and several sentences, which a hint shows on separate lines. */
const hostile = fc
  .oneof(
    fc.array(fc.oneof(fc.constantFrom(...pieces), unicodeText({ maxLength: 5 })), { minLength: 1 }),
    fc.array(fc.constantFrom(...pieces), { minLength: 20, maxLength: 80 }),
  )
  .map((parts) => parts.join(''))
  .filter((text) => !/^(-?\d|$)|\. /.test(text))

/** A placeholder for the text: summaries have no other fullwidth letters. */
const harmless = 'Ｘ'

/** Messages are in paragraphs and lists, and are cut later than other texts. */
const isMessage = ({ tagName }: { readonly tagName: string }) => ['p', 'li'].includes(tagName)
const maxChars = (element: { readonly tagName: string }) => (isMessage(element) ? 2000 : 200)

/** Messages have inputs and commands in backticks, which HTML has no use for. */
const withoutBackticks = (text: string) => text.replace(/`([A-Za-z][\w.:/[\]-]{0,39}(?: [\w./-]{1,40})?)`/g, '$1')

/** The visible form of a text: one line, without invisible characters, cut to a number of characters. */
function readable(text: string, max: number): string {
  const unseen = /[\p{White_Space}\p{Cc}\p{Bidi_Control}\u200b-\u200d\ufeff]/u
  const seen = [...text.toWellFormed()].map((char) => (unseen.test(char) ? ' ' : char))
  const line = seen.join('').replace(/ +/g, ' ').trim()
  let short = ''
  for (const char of line)
    if (short.length + char.length <= max) short += char
    else return `${short}…`
  return short
}

/** A value with the same text wherever the schema takes text. */
function filled(schema: Schema, text: string, variant: number): unknown {
  switch (schema.kind) {
    case 'number':
      return 1
    case 'flag':
      return true
    case 'nothing':
      return null
    case 'json':
    case 'record':
      return { [text]: text }
    case 'list':
      return [filled(schema.of, text, variant), filled(schema.of, text, variant)]
    case 'object': {
      const fields = Object.entries(schema.fields)
      return Object.fromEntries(fields.map(([name, field]) => [name, filled(field.schema, text, variant)]))
    }
    case 'oneOf':
      return filled(schema.variants[variant % schema.variants.length] as Schema, text, variant)
    default:
      return text
  }
}

const answers = (text: string): Record<string, unknown> => {
  const resource = { partnerId: text, internalId: text, name: text, productId: text, status: text, billingPlanId: text }
  const tokens = { access_token: text, refresh_token: text, id_token: text }
  return {
    getIntegrationResources: { resources: [resource, resource] },
    getIntegrationResource: { ...resource, billingPlan: { name: text }, notification: { title: text } },
    getAccountInfo: { name: text, url: text, contact: { name: text } },
    getMember: { id: text, role: text, userEmail: text },
    rotateInstallationCredential: tokens,
    exchangeSsoToken: tokens,
    getGlobalConfig: { items: { [text]: text }, digest: text },
    replaceGlobalConfig: { digest: text },
    submitInvoice: { invoiceId: text },
  }
}

const schemas = new Map<string, Schema>()
for (const { name, body } of operations) {
  if (body) schemas.set(name, body)
}
const bodyOf = (name: string, text: string, variant: number) => {
  const schema = schemas.get(name)
  return schema && filled(schema, text, variant)
}

/** A step in which every text is the same. */
function stepOf(name: string, text: string, variant: number, failed: boolean) {
  const { pathParameters } = reportOf(name).operation
  const own = { invoiceId: text, invoiceNumber: text, state: text, refundTotal: text, refundReason: text }
  const result =
    name === 'getInvoice' ? { ...(bodyOf('submitInvoice', text, 0) as object), ...own } : answers(text)[name]
  return reportOf(name, {
    status: text,
    params: Object.fromEntries(pathParameters.map((parameter) => [parameter, text])),
    body: bodyOf(name, text, variant),
    result: result ?? {},
    httpStatus: 200,
    requestId: text,
    warnings: [text, text],
    ...(failed && { failure: { code: text, message: text, hint: text, problems: variant === 0 ? [] : [text] } }),
  })
}

const steps = fc.tuple(
  fc.constantFrom(...operations.map(({ name }) => name)),
  hostile,
  fc.nat({ max: 1 }),
  fc.boolean(),
)

const rendered = new Map<string, ReturnType<typeof see>['all']>()
/** The elements of a step with a harmless text: rendered once for each step. */
async function harmlessElements(name: string, variant: number, failed: boolean) {
  const key = JSON.stringify([name, variant, failed])
  const known = rendered.get(key) ?? see(await renderRequest(stepOf(name, harmless, variant, failed))).all
  rendered.set(key, known)
  return known
}

test('no text creates an element, leaves its element, or is shown differently from how it was written', async () => {
  const property = fc.asyncProperty(steps, async ([name, text, variant, failed]) => {
    const is = see(await renderRequest(stepOf(name, text, variant, failed))).all
    const should = await harmlessElements(name, variant, failed)
    expect(is.map(outline)).toEqual(should.map(outline))
    const expected = should.map((element) =>
      legible(
        ownText(element).replaceAll(
          harmless,
          // A function, because "$&" has a meaning in a replacement.
          () => readable(isMessage(element) ? withoutBackticks(text) : text, maxChars(element)),
        ),
      ),
    )
    expect(is.map((element) => legible(ownText(element)))).toEqual(expected)
  })
  await fc.assert(property, runs(150))
})

test('a summary has no control or bidirectional characters, and no half of a surrogate pair', async () => {
  const property = fc.asyncProperty(steps, async ([name, text, variant, failed]) => {
    const summary = await renderRequest(stepOf(name, text, variant, failed))
    expect(summary).not.toMatch(/[^\P{Cc}\n]|\p{Bidi_Control}|\p{Cs}/u)
  })
  await fc.assert(property, runs(150))
})

test('no text becomes a link or an emoji on GitHub', async () => {
  const property = fc.asyncProperty(steps, async ([name, text, variant, failed]) => {
    for (const element of see(await renderRequest(stepOf(name, text, variant, failed))).all) {
      expect(ownText(element)).not.toMatch(/@\w|#\d|gh-\d|:\/\/|www\.|:[\w+-]+:/i)
    }
  })
  await fc.assert(property, runs(150))
})

test.each(operations.map(({ name }) => name))(
  'a summary of %s has plain elements alone, and shows the text',
  async (name) => {
    const { all } = see(await renderRequest(stepOf(name, harmless, 0, false)))
    const plain = 'h3 h4 p b i code ul li br sub table tbody tr th td details summary'.split(' ')
    expect(all.filter(({ tagName }) => !plain.includes(tagName))).toEqual([])
    expect(all.filter((element) => ownText(element).includes(harmless)).length).toBeGreaterThan(1)
  },
)

const fieldNames =
  `items discounts usage billing balances period start end eod invoiceDate event secrets partial notification
  billingPlan name status resources contact total amount details resourceId currencyValueInCents updatedAt data
  environmentOverrides expires_in $env`.split(/\s+/)
const anything = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.oneof(
      hostile,
      fc.double(),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.constantFrom('1.5', '2025-03-01T10:00:00Z'),
    ),
    fc.array(tie('json'), { maxLength: 3 }),
    fc.dictionary(fc.oneof(fc.constantFrom(...fieldNames, '__proto__', 'toString'), hostile), tie('json'), {
      noNullPrototype: true,
    }),
  ),
})).json

test('any body and any response have a summary, in one block', async () => {
  const names = fc.constantFrom(...operations.map(({ name }) => name))
  const property = fc.asyncProperty(names, anything, anything, async (name, body, result) => {
    const { headings } = see(await renderRequest(reportOf(name, { body, result })))
    expect(headings[0]).toBe(`✅ ${name}: accepted`)
  })
  await fc.assert(property, runs(300))
})

describe('long content is cut', () => {
  test.each([
    ['x'.repeat(200), 'x'.repeat(200)],
    ['x'.repeat(201), `${'x'.repeat(200)}…`],
    [`${'x'.repeat(199)}😀x`, `${'x'.repeat(199)}…`],
    [' x\n'.repeat(1e5), `${'x '.repeat(100)}…`],
  ])('a text', async (memo, shown) => {
    expect(see(await renderRequest(reportOf('submitInvoice', { body: { memo } }))).tables).toEqual([[['Memo', shown]]])
  })

  const usage = (count: number) => {
    const text = '"'.repeat(300)
    const metric = {
      name: text,
      resourceId: text,
      type: text,
      dayValue: text,
      units: text,
      periodValue: text,
      planValue: text,
    }
    const item = { name: text, details: text, resourceId: text, price: text, quantity: text, units: text, total: text }
    const body = { usage: Array(count).fill(metric), billing: Array(count).fill(item) }
    return renderRequest(reportOf('submitBillingData', { body, warnings: Array(count).fill(text) }))
  }

  test('a summary is reduced to its heading before it is longer than GitHub accepts', async () => {
    const most = await usage(45)
    expect(see(most).tables).toHaveLength(2)
    expect(Buffer.byteLength(most)).toBeLessThan(1 << 20)
    const { headings, tables } = see(await usage(200))
    expect(headings).toEqual(['⚠️ submitBillingData: accepted'])
    expect(tables).toEqual([])
  })

  test('a summary that is just as long as it may be is whole', async () => {
    const maxChars = 900_001
    const lengthOf = async (params: readonly number[]) => {
      const texts = params.map((chars, index) => [`p${10_000 + index}`, 'x'.repeat(chars)])
      return (await renderRequest(reportOf('getInvoice', { params: Object.fromEntries(texts) }))).length
    }
    const empty = await lengthOf([])
    const row = (await lengthOf([0])) - empty
    const rows = Math.floor((maxChars - empty) / (row + 200)) - 1
    // For two rows more.
    const left = maxChars - empty - rows * (row + 200) - 2 * row
    const params = [...Array(rows).fill(200), Math.floor(left / 2)]
    expect(await lengthOf([...params, Math.ceil(left / 2)])).toBe(maxChars)
    expect(await lengthOf([...params, Math.ceil(left / 2) + 1])).toBeLessThan(100)
  })
})
