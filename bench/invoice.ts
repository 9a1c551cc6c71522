// The invoice that the benchmarks send.

/** Midnight UTC, a number of days from today. */
const day = (offset: number) => `${new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10)}T00:00:00Z`

export const invoice = {
  externalId: 'bench-1',
  invoiceDate: day(0),
  period: { start: day(-29), end: day(1) },
  items: [
    {
      resourceId: 'db-1',
      billingPlanId: 'pro',
      name: 'Storage',
      price: '1.50',
      quantity: 2.5,
      units: 'GB',
      total: '3.75',
    },
  ],
}
