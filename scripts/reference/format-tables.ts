// The fields of a journal and the columns of a report as tables.

import { eventRules, headerRules } from '../../src/batch/journal/journal-fields.ts'
import type { JournalEvent, JournalHeader } from '../../src/batch/journal/journal-format.ts'
import { type ReportColumn, reportColumns } from '../../src/batch/report/report-file.ts'
import { columnsOf } from '../../src/batch/report/rows.ts'
import type { InvoiceReading } from '../../src/delivery/refund.ts'
import { operations } from '../../src/operations/catalogue.ts'
import { code, listed, table } from './markdown.ts'

/** The fields of what an invoice showed before a refund. */
const readingFields: Readonly<Record<keyof InvoiceReading, true>> = {
  state: true,
  total: true,
  refundTotal: true,
  refundReason: true,
  updated: true,
}

type FieldsOf<T> = T extends unknown ? Exclude<keyof T, 'event'> : never

/** What each field of an event means. The compiler asks for a new field's text. */
const eventMeanings: Readonly<Record<FieldsOf<JournalEvent>, string>> = {
  at: 'when the line was written',
  batch: 'the path of the batch file',
  total: 'how many records the shard has',
  id: "the record's own `id`, or the digest of its content if it does not have one",
  digest: 'the digest of the content of a record with its own `id`',
  line: 'the line of the batch file, from 1',
  installation: 'the installation',
  externalId: 'submitInvoice: the `externalId` that was sent',
  amount: 'the money that the record is about; in `begun` that of all records of the shard',
  before: `updateInvoice: what the invoice showed before the refund: ${listed(Object.keys(readingFields))}`,
  hadNewToken: 'rotateInstallationCredential: `true` if `new-tokens-file` had a token of the installation before',
  resumed: '`true` if an earlier run sent the record, and its outcome was unknown',
  invoiceId: "the invoice's id: in `sent` that of a refunded invoice, in an outcome also that of a new one",
  test: '`true` for a test invoice, which bills nobody',
  request: 'the request of a record with its own `id`, without secrets',
  status: 'the `status` that a single step would have, such as `accepted` or `duplicate`',
  arrivedEarlier: '`true` for a `duplicate` that this batch had submitted itself',
  code: 'the `errorCode`',
  message: 'what went wrong, and what to do',
  hint: 'the end of `message` that says what to do',
  httpStatus: 'the status code of the last response',
  requestId: "Vercel's id of the request (`x-vercel-id`)",
  attempts: 'how many attempts the record took',
  ms: 'milliseconds that the record took',
}

const headerMeanings: Readonly<Record<keyof JournalHeader, string>> = {
  journal: '`vercel-marketplace`',
  version: '`1`',
  operation: 'the operation',
  shard: 'the input `shard`, such as `1/1`',
  api: 'the origin and base path of `api-url`, or `sandbox`',
  externalId: 'submitInvoice: the input `external-id`',
}

/** `hint` is not checked when a journal is read. */
const uncheckedFields = [['hint', { expected: 'text', optional: true }]] as const

const outcomes = ['succeeded', 'failed', 'unknown', 'gone'] as const
const kinds = { begun: ['begun'], sent: ['sent'], outcome: outcomes, not_sent: ['not_sent'] } as const

const rulesOf = (kind: keyof typeof kinds) => [
  ...eventRules[kinds[kind][0]],
  ...(kind === 'outcome' ? uncheckedFields : []),
]

/** The fields of the lines of a journal. */
export function journalTable(): string {
  const names = Object.keys(eventMeanings) as (keyof typeof eventMeanings)[]
  const rows = names.map((name) => {
    const found = (Object.keys(kinds) as (keyof typeof kinds)[]).map(
      (kind) =>
        rulesOf(kind)
          .find(([field]) => field === name)
          ?.at(1) as { expected: string; optional?: true } | undefined,
    )
    const type = found.find((rule) => rule !== undefined)?.expected ?? ''
    const cells = found.map((rule) => (rule === undefined ? '' : rule.optional ? 'optional' : 'yes'))
    return [code(name), type, ...cells, eventMeanings[name]]
  })
  return table(['field', 'type', '`begun`', '`sent`', 'outcome', '`not_sent`', 'meaning'], rows)
}

/** The fields of the first line of a journal. */
export function journalHeaderTable(): string {
  const optional = headerRules.filter(([, rule]) => rule.optional).map(([name]) => name)
  return table(
    ['field', 'value'],
    Object.entries(headerMeanings).map(([name, meaning]) => [
      code(name) + (optional.includes(name) ? ' (optional)' : ''),
      meaning,
    ]),
  )
}

/** What each column of a report means. */
const columnMeanings: Readonly<Record<ReportColumn, string>> = {
  line: 'the line of the batch file, from 1',
  id: "the record's own `id`",
  installation: 'the installation',
  externalId: 'the `externalId` of the invoice',
  invoiceId: "Vercel's id of the invoice",
  invoiceNumber: 'the number on the invoice',
  status: 'see below',
  amount: 'the money that the record is about',
  refunded: 'what was refunded',
  at: 'when the outcome was known, or the invoice was read',
  code: 'the `errorCode`',
  message: 'what went wrong, and what to do',
  httpStatus: 'the status code of the last response',
  requestId: "Vercel's id of the request (`x-vercel-id`)",
}

/** The operations whose reports have a column. A report of trackInvoices has every column. */
function reportsWith(column: ReportColumn): string {
  const having = operations.filter((operation) => columnsOf(operation).includes(column)).map(({ name }) => name)
  return having.length === operations.length ? 'all' : listed([...having, 'trackInvoices'])
}

/** The columns of a report. */
export const reportTable = (): string =>
  table(
    ['column', 'meaning', 'in the reports of'],
    reportColumns.map((name) => [code(name), columnMeanings[name], reportsWith(name)]),
  )
