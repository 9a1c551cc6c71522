// The invoice of examples/operations with small amounts and current dates.

import { examplePayload } from '../example-payloads.ts'

/** Midnight UTC, this number of days from now. */
export const day = (offset: number) =>
  `${new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10)}T00:00:00Z`

export const token = 'vct-installation-token-4f1c'

const { params, body } = examplePayload('submitInvoice')

export const { integrationConfigurationId: installation = '' } = params

export const item = { ...body.items[0], resourceId: 'db-1', price: '1.50', quantity: 2.5, total: '3.75' }

export const invoice = {
  integrationConfigurationId: installation,
  externalId: 'invoice-2041',
  invoiceDate: day(0),
  period: { start: day(-29), end: day(1) },
  items: [item],
}

/** The invoice as JSON, with some fields changed. */
export const changed = (change: object) => JSON.stringify({ ...invoice, ...change })
