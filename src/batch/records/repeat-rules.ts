// What two records of a batch must not have in common, and what to say if they do.

import Big from 'big.js'
import { keyOf } from '../../delivery/idempotency-key.ts'
import { formatPath } from '../../failure.ts'
import { quote } from '../../format.ts'
import { isRefund } from '../../operations/operation.ts'
import type { BatchRecord } from './record.ts'
import { identify } from './record.ts'
import type { KeyHolder } from './repeats.ts'

/** A text that no other record should have, and what to say about a record that repeats it. */
export interface UniqueKey {
  readonly key: string
  /** Whether records that have their own ids may share the key: their author means both. */
  readonly mayRepeatWithIds?: true
  /** @param first  the line that has the key already */
  readonly message: (first: number) => string
}

/** The key of a record's own id. */
export const idKey = (id: string): UniqueKey => ({
  key: `id\n${id}`,
  message: (first) => `${formatPath(['id'])} ${quote(id)} is also the id of line ${first}: each record needs its own`,
})

/**
 * The key of a record that must not be sent twice, because the second request would fail or have a second effect.
 *
 * @param externalId  the input `external-id`
 * @returns undefined if the request may be repeated
 */
export function requestKey(record: BatchRecord, externalId: string): UniqueKey | undefined {
  const { operation } = record.request
  if (operation.retry === 'idempotent') return undefined
  if (operation.retry === 'idempotency-key') {
    const sent = keyOf(record.request, externalId)
    if (sent !== undefined) return externalIdKey(record, sent)
  }
  return isRefund(operation) ? refundKey(record) : contentKey(record)
}

function externalIdKey({ installation, request: { body } }: BatchRecord, sent: string): UniqueKey {
  const key = `externalId\n${installation}\n${sent}`
  if (body?.externalId === undefined) {
    return {
      key,
      message: (first) =>
        `the record is the same invoice as line ${first}, so both get the same \`externalId\`, which Vercel accepts once: remove one, or give each its own \`externalId\` to bill both`,
    }
  }
  return {
    key,
    message: (first) =>
      `externalId ${quote(sent)} is also that of line ${first}, and Vercel accepts it once for each installation: remove one of the two, or give each its own`,
  }
}

function refundKey({ request: { params, body } }: BatchRecord): UniqueKey {
  const { integrationConfigurationId, invoiceId } = params
  const total = new Big(String(body?.total)).toFixed()
  return {
    key: `refund\n${JSON.stringify([integrationConfigurationId, invoiceId, body?.reason, total])}`,
    mayRepeatWithIds: true,
    message: (first) =>
      `the record refunds the same invoice with the same reason and total as line ${first}: remove one, or give each its own \`id\` to send both`,
  }
}

const contentKey = (record: BatchRecord): UniqueKey => ({
  key: `content\n${identify({ ...record, ownId: undefined }).id}`,
  mayRepeatWithIds: true,
  message: (first) =>
    `the record is the same as line ${first}, and both would take effect: remove one, or give each its own \`id\` to send both`,
})

/** Whether a record that has a key of an earlier line is an error. */
export const isRepeat = ({ mayRepeatWithIds }: UniqueKey, first: KeyHolder, record: KeyHolder): boolean =>
  !(mayRepeatWithIds && first.hasId && record.hasId)

/** The body of an operation that bills a plan once. */
interface PlanBill {
  readonly period: { readonly start: Date; readonly end: Date }
  readonly items: readonly {
    readonly resourceId?: string | undefined
    readonly billingPlanId: string
    readonly start?: Date | undefined
    readonly end?: Date | undefined
  }[]
  readonly test?: object | undefined
}

/** Keys of the resource, plan and period of each item of a bill, in its installation. A test bills nobody. */
export function billedKeys({ installation, request: { operation, body } }: BatchRecord): readonly string[] {
  if (!operation.billsPlansOnce) return []
  const { period, items, test } = body as unknown as PlanBill
  return items.map(({ resourceId = '', billingPlanId, start = period.start, end = period.end }) => {
    // The length separates the two ids, which can have any characters.
    const ids = `${resourceId.length} ${resourceId} ${billingPlanId}`
    return `${test ? 'test' : 'billed'}\n${installation}\n${start.getTime()} ${end.getTime()} ${ids}`
  })
}
