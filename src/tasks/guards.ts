// The guards of a request: its amount, and that it is the approved one.

import Big from 'big.js'
import { Failure } from '../failure.ts'
import { quote } from '../format.ts'
import type { RequestInputs } from '../inputs/read.ts'
import { formatMoney } from '../operations/money.ts'
import type { MarketplaceRequest } from '../operations/request.ts'

/** Why the request must not be sent: its amount, or that it is not the approved one. */
export function guardFailure(
  { maxAmount, expectDigest }: Pick<RequestInputs, 'maxAmount' | 'expectDigest'>,
  { params }: MarketplaceRequest,
  { digest, amount }: { readonly digest: string; readonly amount: string | undefined },
): Failure | undefined {
  if (maxAmount !== undefined && amount !== undefined && new Big(amount).gt(maxAmount)) {
    const installation = params.integrationConfigurationId ?? ''
    const message = `installation ${quote(installation)}: the amount ${formatMoney(new Big(amount))} is above \`max-amount\` (${formatMoney(new Big(maxAmount))}); nothing was sent`
    return new Failure('amount_exceeded', message, { diagnostics: [{ message }] })
  }
  if (expectDigest !== undefined && expectDigest !== digest) {
    const message = `The digest of the request is ${digest}, but \`expect-digest\` is ${expectDigest}; nothing was sent`
    return new Failure('digest_mismatch', message, {
      hint: 'Compare the request with the approved one. To approve this one, set `expect-digest` to its digest',
    })
  }
  return undefined
}
