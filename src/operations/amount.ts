// The money that a request is about, for sums that people compare with their own books.

import Big from 'big.js'
import { isObject } from '../payload/schema.ts'
import type { MarketplaceRequest } from './request.ts'

/**
 * The charges of an invoice or of usage less their discounts, or what a refund gives back.
 *
 * @returns a decimal, in whatever currency the customer is billed in; undefined where the request moves no money
 */
export function amountOf({ operation, body }: MarketplaceRequest): string | undefined {
  switch (operation.name) {
    case 'submitInvoice':
      // A test invoice bills nobody.
      return body?.test ? undefined : balance(body?.items, body?.discounts)
    case 'submitBillingData': {
      const billing = body?.billing
      return isObject(billing) ? balance(billing.items, billing.discounts) : balance(billing, undefined)
    }
    case 'updateInvoice':
      return String(body?.total)
    default:
      return undefined
  }
}

const balance = (items: unknown, discounts: unknown): string =>
  sum(items, 'total').minus(sum(discounts, 'amount')).toFixed()

const sum = (entries: unknown, field: string): Big =>
  (Array.isArray(entries) ? entries : []).reduce<Big>((total, entry) => total.plus(entry[field]), new Big(0))
