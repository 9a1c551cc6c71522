// Requests as a workflow author would write them.

/** Midnight UTC, so many days from now. */
export const day = (offset: number) =>
  `${new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10)}T00:00:00Z`

export const installation = 'icfg_3bwCLgxL8qt5kjRLcv2Dit7F'
export const token = 'vct-installation-token-4f1c'

export const item = {
  resourceId: 'db-1',
  billingPlanId: 'pro',
  name: 'Storage',
  price: '1.50',
  quantity: 2.5,
  units: 'GB',
  total: '3.75',
}

export const invoice = {
  integrationConfigurationId: installation,
  externalId: 'invoice-2041',
  invoiceDate: day(0),
  period: { start: day(-29), end: day(1) },
  items: [item],
}

/** A payload with one part of it changed. */
export const changed = (change: object) => JSON.stringify({ ...invoice, ...change })
