// The batch of a course: its lines, and the class of each record, by which the model of Vercel knows it.

import type { Course, RecordChoice } from './course.ts'
import { unitsOf, type VercelModel } from './vercel.ts'

/** Records of one class look the same to Vercel. */
export interface RecordClass {
  readonly name: string
  readonly installation: string
  size: number
  /** What one of its records is about, in units of 1/10,000. */
  readonly units: number
  readonly isTest: boolean
  /** Whether somebody else has done the same before the batch. */
  readonly isDoneBefore: boolean
}

export interface ModelBatch {
  readonly text: string
  /** By line of the batch file, 0-based. */
  readonly classOfLine: readonly RecordClass[]
  readonly classes: readonly RecordClass[]
  /** By installation. */
  readonly tokens: Readonly<Record<string, string>>
  readonly clientSecrets: readonly string[]
}

const invoiceTotals = ['3.00', '0.10', '19.99', '1234.56', '0.20', '7']
/** More than an invoice of the model bills. */
const tooLarge = '30.00'
const refundTotals = ['1.00', '2.50', '1.00', '2.50', '0.05', tooLarge]
/** The reason of what somebody else refunds, and of many refunds of the batch. */
export const othersReason = 'outage'
const period = { start: '2025-03-01T00:00:00Z', end: '2025-04-01T00:00:00Z' }
const laterPeriod = { start: '2025-03-14T00:00:00Z', end: '2025-03-31T00:00:00Z' }

interface BuiltRecord {
  readonly payload: Readonly<Record<string, unknown>>
  readonly className: string
  readonly units: number
  readonly isTest?: boolean
}

function charges(name: string, { amount, detail }: RecordChoice) {
  const totals = [invoiceTotals[amount] ?? '1', ...(detail === 1 ? ['0.30'] : [])]
  const items = totals.map((total) => ({ billingPlanId: 'pro', name, price: total, quantity: 1, units: 'GB', total }))
  const discounts = detail === 2 || detail === 3 ? [{ billingPlanId: 'pro', name: 'd', amount: '0.05' }] : undefined
  const units = totals.reduce((sum, total) => sum + unitsOf(total), discounts ? -unitsOf('0.05') : 0)
  return { charges: { items, ...(discounts && { discounts }) }, units }
}

function invoiceRecord(name: string, number: number, choice: RecordChoice, installation: string): BuiltRecord {
  const { charges: content, units } = charges(name, choice)
  const key = choice.hasKey ? `key-${number}` : undefined
  const isTest = choice.detail === 5
  const payload = {
    ...(key && { externalId: key }),
    invoiceDate: '2025-03-15T00:00:00Z',
    period,
    ...content,
    ...(isTest && { test: { result: 'paid' } }),
  }
  return { payload, className: `${installation}/${key ?? name}`, units, isTest }
}

/** Most refunds are of one invoice, so that they get in the way of each other. */
function refundRecord(name: string, { amount, detail }: RecordChoice, installation: string): BuiltRecord {
  const total = refundTotals[amount] ?? '1.00'
  const reason = [othersReason, othersReason, 'goodwill', name][detail % 4] ?? name
  const invoiceId = `inv_${detail === 5 ? 1 : 0}`
  const className = [installation, invoiceId, reason, total].join('/')
  return { payload: { invoiceId, action: 'refund', reason, total }, className, units: unitsOf(total) }
}

function usageRecord(name: string, choice: RecordChoice, installation: string): BuiltRecord {
  const { charges: billing, units } = charges(name, choice)
  const usage = [{ name: 'Storage', type: 'total', units: 'GB', dayValue: 1, periodValue: 2 }]
  const span = choice.detail % 2 === 0 ? period : laterPeriod
  const payload = { eod: '2025-03-15T00:00:00Z', period: span, billing, usage }
  return { payload, className: `${installation}/${name}`, units }
}

function recordOf(course: Course, name: string, number: number, choice: RecordChoice, installation: string) {
  switch (course.kind) {
    case 'submitInvoice':
      return invoiceRecord(name, number, choice, installation)
    case 'updateInvoice':
      return refundRecord(name, choice, installation)
    case 'submitBillingData':
      return usageRecord(name, choice, installation)
    case 'rotateInstallationCredential':
      return { payload: { clientId: 'oac', clientSecret: `client-${name}-secret` }, className: installation, units: 0 }
  }
}

const installationOf = ({ kind }: Course, { installation }: RecordChoice) =>
  kind === 'updateInvoice' ? installation >> 1 : installation

/** Writes the batch of a course, and tells the model of Vercel what was there before. */
export function buildBatch(course: Course, vercel: VercelModel): ModelBatch {
  const isRotation = course.kind === 'rotateInstallationCredential'
  const classes = new Map<string, RecordClass>()
  const tokens: Record<string, string> = {}
  const lines: string[] = []
  const classOfLine: RecordClass[] = []
  let content: { readonly name: string; readonly choice: RecordChoice } | undefined
  for (const [number, own] of course.records.entries()) {
    const { isDoneBefore } = own
    // Equal refunds without ids are refused.
    const hasId = own.hasId || (course.kind === 'updateInvoice' && number > 0)
    const isOwnContent = !content || !own.isTwin || isRotation
    if (isOwnContent || !content) content = { name: `r${number}`, choice: own }
    const hasKey = own.hasKey && course.externalId === 'auto'
    const choice = { ...content.choice, hasKey }
    const installation = `icfg_${isRotation ? number : installationOf(course, choice)}`
    const { payload, className, units, isTest = false } = recordOf(course, content.name, number, choice, installation)
    tokens[installation] = `token-${installation}-secret`
    lines.push(
      JSON.stringify({ ...(hasId && { id: `id-${number}` }), integrationConfigurationId: installation, ...payload }),
    )
    const known = classes.get(className)
    if (known) known.size++
    const isBefore = isDoneBefore && !known && !isTest && isDone(course, vercel, installation, payload)
    const kind = known ?? { name: className, installation, size: 1, units, isTest, isDoneBefore: isBefore }
    classes.set(className, kind)
    classOfLine.push(kind)
  }
  for (const [installation, token] of Object.entries(tokens)) vercel.addToken(installation, token)
  const clientSecrets = isRotation ? course.records.map((_, number) => `client-r${number}-secret`) : []
  return { text: `${lines.join('\n')}\n`, classOfLine, classes: [...classes.values()], tokens, clientSecrets }
}

/** Has somebody else do what a record asks for. @returns false if the model cannot */
function isDone(
  { kind }: Course,
  vercel: VercelModel,
  installation: string,
  { externalId, invoiceId, reason, total }: Readonly<Record<string, unknown>>,
): boolean {
  if (kind === 'submitInvoice' && typeof externalId === 'string') vercel.addKey(installation, externalId)
  else if (kind === 'updateInvoice' && total !== tooLarge)
    vercel.addRefund(installation, String(invoiceId), String(reason), String(total))
  else return false
  return true
}
