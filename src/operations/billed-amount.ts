import type { MarketplaceRequest } from './request.ts'

/** The amount that a request bills or pays back; undefined if it moves no money, as a test invoice does not. */
export function billedAmountOf({ operation: { money }, body }: MarketplaceRequest): string | undefined {
  return money && !money.isTest?.(body) ? money.amountOf(body) : undefined
}
