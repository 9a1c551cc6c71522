import type { MarketplaceRequest } from './request.ts'

/** The amount that a request bills or refunds; undefined if it moves no money, such as a test invoice. */
export function billedAmountOf({ operation: { money }, body }: MarketplaceRequest): string | undefined {
  return money && !money.isTest?.(body) ? money.amountOf(body) : undefined
}
