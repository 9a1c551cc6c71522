// The money that a request moves, as a decimal.

import type { MarketplaceRequest } from './request.ts'

/** The amount that a request is about, test invoices included; undefined if it moves no money. */
export const amountOf = ({ operation: { money }, body }: MarketplaceRequest): string | undefined =>
  money?.amountOf(body)

/** The amount that a request bills or pays back; undefined if it moves no money, as a test invoice does not. */
export const billedAmountOf = (request: MarketplaceRequest): string | undefined =>
  request.operation.money?.isTest?.(request.body) ? undefined : amountOf(request)
