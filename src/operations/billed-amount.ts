// The money that a request moves, as a decimal.

import type { MarketplaceRequest } from './request.ts'

/** The amount that a request is about, test invoices included; undefined if it moves no money. */
export const amountOf = ({ operation: { money }, body }: MarketplaceRequest): string | undefined =>
  money?.amountOf(body)

/** Whether a request only tests, as a test invoice does, so that its amount is not billed. */
export const isTestRequest = ({ operation: { money }, body }: MarketplaceRequest): boolean =>
  money?.isTest?.(body) ?? false
