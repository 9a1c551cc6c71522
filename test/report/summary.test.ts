import { describe, expect, test } from 'vitest'
import { summaryOf } from './read.ts'

const item = { billingPlanId: 'pro', name: 'Storage', price: '1.50', quantity: 2.5, units: 'GB', total: '0.1' }
const discount = { billingPlanId: 'pro', name: 'Welcome', amount: '0.30' }
const period = { start: '2025-03-01T00:00:00Z', end: '2025-03-31T23:59:59+02:00' }
const invoice = { invoiceDate: '2025-03-15T09:30:00.5Z', period, items: [item] }
const charged = ['Item', 'Resource', 'Quantity', 'Price', 'Amount']
/** The columns if no item has a resource. */
const chargedAlone = charged.filter((title) => title !== 'Resource')
const refused = { code: 'forbidden', message: 'Vercel refused it', problems: [] }
const failed = { status: 'failed', failure: refused, result: { error: { code: 'forbidden', message: 'no' } } }
const dry = { status: 'validated', dryRun: true }

describe('a step', () => {
  test('that succeeded shows what was sent, and where', async () => {
    const step = await summaryOf('headGlobalConfig', {
      params: { integrationConfigurationId: 'icfg_1', resourceId: 'db-1' },
      httpStatus: 200,
      requestId: 'fra1::abc',
      attempts: 2,
      ms: 1234,
    })
    expect(step.headings).toEqual(['✅ headGlobalConfig: accepted'])
    expect(step.paragraphs).toEqual(['The resource has a Global Config.'])
    expect(step.request).toEqual({
      Operation: 'headInstallationsByIntegrationConfigurationIdResourcesByResourceIdExperimentationGlobalConfig',
      integrationConfigurationId: 'icfg_1',
      resourceId: 'db-1',
      'HTTP status': '200',
      'Request id': 'fra1::abc',
      Attempts: '2',
      Time: '1234 ms',
    })
  })

  test('that sent nothing shows no response', async () => {
    expect((await summaryOf('getMember', dry)).request).toEqual({ Operation: 'getMember' })
  })

  test('that failed shows the reason and the fix, and nothing as done', async () => {
    const failure = { ...refused, hint: 'Check the token. Then try again' }
    const step = await summaryOf('deleteIntegrationResource', { status: 'failed', failure })
    expect(step.headings).toEqual(['❌ deleteIntegrationResource: failed'])
    expect(step.paragraphs).toEqual(['forbidden: Vercel refused it', 'Check the token. / Then try again /'])
    expect(step.tables).toEqual([])
  })

  test('that failed shows what was sent only if there was a response', async () => {
    const step = { ...failed, body: { name: 'Orders' } }
    expect((await summaryOf('updateResource', step)).tables).toEqual([[['Name', 'Orders']]])
    expect((await summaryOf('updateResource', { ...step, result: undefined } as object)).tables).toEqual([])
  })

  test('with an invalid payload lists its problems, at most ten', async () => {
    const problems = Array.from({ length: 12 }, (_, index) => `items[${index}] is wrong`)
    const step = await summaryOf('submitInvoice', { status: 'failed', failure: { ...refused, problems } })
    expect(step.list).toEqual([...problems.slice(0, 10), 'and 2 more'])
    const listOf = async (...found: string[]) =>
      (await summaryOf('submitInvoice', { status: 'failed', failure: { ...refused, problems: found } })).list
    expect(await listOf(...problems.slice(0, 10))).toEqual(problems.slice(0, 10))
    expect(await listOf(refused.message, 'another')).toEqual([refused.message, 'another'])
  })

  test('whose problems have the fix does not repeat it', async () => {
    const hint = 'Quote the amount'
    const paragraphsOf = async (...problems: string[]) =>
      (await summaryOf('submitInvoice', { status: 'failed', failure: { ...refused, hint, problems } })).paragraphs
    const message = 'forbidden: Vercel refused it'
    expect(await paragraphsOf('memo is wrong', `total is a number. ${hint}`)).toEqual([message])
    expect(await paragraphsOf('memo is wrong', 'total is a number')).toEqual([message, `${hint} /`])
  })

  test('with warnings lists them, at most ten', async () => {
    const warnings = Array.from({ length: 11 }, (_, index) => `warning ${index}`)
    const step = await summaryOf('getMember', { warnings })
    expect(step.headings).toEqual(['⚠️ getMember: accepted'])
    expect(step.list).toEqual([...warnings.slice(0, 10).map((text) => `⚠️ ${text}`), 'and 1 more'])
    expect((await summaryOf('getMember', { warnings: ['one'] })).list).toEqual(['⚠️ one'])
  })

  test.each([
    [dry, 'A dry run: the request was checked, and nothing was sent.'],
    [{ ...dry, status: 'failed', failure: refused }, 'A dry run: nothing was sent.', 'forbidden: Vercel refused it'],
    [{ sandbox: true }, 'In the sandbox: no account was touched, and no customer was billed.'],
    [{ duplicate: 'earlier' as const }, 'The invoice was submitted before. Nothing was billed now.'],
    [
      { duplicate: 'this step' as const },
      'The first response was lost, and the invoice was submitted all the same. Nothing was billed twice.',
    ],
  ])('with %j shows it', async (known, ...sentences) => {
    expect((await summaryOf('submitInvoice', known)).paragraphs).toEqual(sentences)
  })

  test('that runs a refund dry, or finds it made, says what it knows of the invoice', async () => {
    const body = { total: '5.00', reason: 'outage', action: 'refund' }
    const plan = await summaryOf('updateInvoice', { ...dry, body, params: { invoiceId: 'inv_1' } })
    expect(plan.paragraphs).toEqual([expect.stringContaining('The invoice was not read')])
    const made = await summaryOf('updateInvoice', {
      status: 'refunded',
      duplicate: 'earlier',
      body,
      params: { invoiceId: 'inv_1' },
    })
    expect(made.headings).toEqual(['⚠️ updateInvoice: refunded'])
    expect(made.paragraphs).toEqual(['The invoice already shows a refund with this reason. Nothing was sent.'])
  })

  test('with a long message shows its end, and a message that is its only problem once', async () => {
    const message = `The digest is sha256:${'0'.repeat(300)}; nothing was sent`
    const step = await summaryOf('submitInvoice', { status: 'failed', failure: { ...refused, message } })
    expect(step.paragraphs).toEqual([`forbidden: ${message}`])
    const failure = { ...refused, message, problems: [message] }
    const other = await summaryOf('submitInvoice', { status: 'failed', failure })
    expect(other).toMatchObject({ paragraphs: [`forbidden: ${message}`], list: [] })
  })

  test('that read an invoice shows it, also if waiting for its state failed', async () => {
    const read = { ...failed, httpStatus: 200, result: { state: 'refunded', invoiceId: 'inv_1' } }
    expect((await summaryOf('getInvoice', read)).tables).toEqual([
      [
        ['Invoice', 'inv_1'],
        ['State', 'refunded'],
      ],
    ])
  })

  test.each([
    'finalizeInstallation',
    'deleteIntegrationResource',
    'deleteExperimentationItem',
    'headGlobalConfig',
    'getGlobalConfig',
    'replaceGlobalConfig',
    'getIntegrationResources',
    'getInvoice',
    'getAccountInfo',
    'getMember',
    'rotateInstallationCredential',
    'revokeInstallationCredential',
    'exchangeSsoToken',
  ])('that runs %s dry, or is refused, claims no result', async (name) => {
    const { paragraphs, tables } = await summaryOf(name, dry)
    expect([...paragraphs.slice(1), ...tables]).toEqual([])
    const result = { ...failed.result, state: 'notpaid', name: 'Acme', id: 'm_1' }
    const other = await summaryOf(name, { ...failed, result, body: { data: { a: 1 } } })
    expect([...other.paragraphs.slice(1), ...other.tables]).toEqual([])
  })
})

describe('billing', () => {
  test('an invoice shows its fields, its items, its discounts and their exact sum', async () => {
    const body = {
      ...invoice,
      externalId: 'march',
      memo: 'Thank you',
      items: [item, { ...item, resourceId: 'db-1', details: 'of March', total: '0.205' }],
      discounts: [discount, { ...discount, resourceId: 'db-1', amount: '1' }],
      test: { validate: false },
    }
    const step = await summaryOf('submitInvoice', { body, result: { invoiceId: 'inv_1' } })
    expect(step.tables).toEqual([
      [
        ['Invoice', 'inv_1'],
        ['External id', 'march'],
        ['Date', '2025-03-15 09:30 UTC'],
        ['Period', '2025-03-01 00:00 UTC – 2025-03-31 21:59 UTC'],
        ['Memo', 'Thank you'],
        ['Mode', 'Test: nobody is billed'],
      ],
      [
        charged,
        ['Storage', '', '2.5 GB', '1.50', '0.1'],
        ['Storage / of March', 'db-1', '2.5 GB', '1.50', '0.205'],
        ['Welcome', '', '', '', '−0.30'],
        ['Welcome', 'db-1', '', '', '−1'],
      ],
    ])
    expect(step.paragraphs).toEqual(['Total: -0.995'])
  })

  test.each([
    [['1', '2'], 'Total: 3.00'],
    [['0.1', '0.2'], 'Total: 0.30'],
    [['0.100', '0.20000'], 'Total: 0.30'],
    [['90071992547409930.01', '1'], 'Total: 90071992547409931.01'],
  ])('%j add up to %s', async (totals, sum) => {
    const body = { ...invoice, items: totals.map((total) => ({ ...item, total })) }
    expect((await summaryOf('submitInvoice', { body })).paragraphs).toEqual([sum])
  })

  test.each([{ $env: 'TOTAL' }, 'a lot', '', null, {}, '1e999999999'])('%j has no sum', async (total) => {
    const { paragraphs } = await summaryOf('submitInvoice', { body: { ...invoice, items: [item, { ...item, total }] } })
    expect(paragraphs).toEqual([])
  })

  test('a value from a reference is marked as such in every place', async () => {
    const reference = { $env: 'VALUE' }
    const body = {
      memo: reference,
      period: { start: reference, end: reference },
      items: [{ ...item, name: reference }],
    }
    const { tables } = await summaryOf('submitInvoice', { body })
    expect(tables[0]).toEqual([
      ['Period', '(from a reference) – (from a reference)'],
      ['Memo', '(from a reference)'],
    ])
    expect(tables[1]?.[1]?.[0]).toBe('(from a reference)')
    const resource = await summaryOf('updateResource', { body: { name: reference } })
    expect(resource.tables).toEqual([[['Name', '(from a reference)']]])
  })

  test('a period may have one end', async () => {
    const { tables } = await summaryOf('submitInvoice', { body: { period: { end: '2' } } })
    expect(tables).toEqual([[['Period', '– 2']]])
  })

  test('a text that is not a time is shown unchanged', async () => {
    const { tables } = await summaryOf('submitInvoice', {
      body: { invoiceDate: 'item 2', memo: '1', period: { start: '+002025-01-31T00:00:00Z' } },
    })
    expect(tables).toEqual([
      [
        ['Date', 'item 2'],
        ['Period', '+002025-01-31T00:00:00Z –'],
        ['Memo', '1'],
      ],
    ])
  })

  test('an invoice that was read shows its state and its refund', async () => {
    const own = { invoiceId: 'inv_1', invoiceNumber: 'N-1', state: 'refunded', externalId: 'march', test: false }
    const result = { ...invoice, ...own, refundTotal: '0.10', refundReason: 'a mistake' }
    const step = await summaryOf('getInvoice', { status: 'refunded', result })
    expect(step.headings).toEqual(['✅ getInvoice: refunded'])
    expect(step.tables[0]).toEqual([
      ['Invoice', 'inv_1'],
      ['Number', 'N-1'],
      ['State', 'refunded'],
      ['External id', 'march'],
      ['Date', '2025-03-15 09:30 UTC'],
      ['Period', '2025-03-01 00:00 UTC – 2025-03-31 21:59 UTC'],
      ['Refunded', '0.10'],
      ['Refund reason', 'a mistake'],
    ])
    expect(step.tables[1]).toEqual([chargedAlone, ['Storage', '2.5 GB', '1.50', '0.1']])
    expect(step.paragraphs).toEqual(['Total: 0.10'])
  })

  test('a response without items shows none, and no total', async () => {
    const step = await summaryOf('getInvoice', { result: { state: 'paid' } })
    expect(step.tables).toEqual([[['State', 'paid']]])
    expect(step.paragraphs).toEqual([])
  })

  test('a refund', async () => {
    const body = { action: 'refund', total: '5.00', reason: 'a mistake' }
    const { tables } = await summaryOf('updateInvoice', { params: { invoiceId: 'inv_1' }, body })
    expect(tables).toEqual([
      [
        ['Invoice', 'inv_1'],
        ['Refund', '5.00'],
        ['Reason', 'a mistake'],
      ],
    ])
  })

  const metric = { name: 'Storage', type: 'total', units: 'GB', dayValue: 1, periodValue: 30 }
  const data = { eod: '2025-03-16T00:00:00Z', period, usage: [metric] }

  test('usage shows the share of the plan, and the interim charges', async () => {
    const usage = [
      metric,
      { ...metric, resourceId: 'db-1', planValue: 40 },
      { ...metric, planValue: 0 },
      { ...metric, periodValue: '30', planValue: 40 },
    ]
    const billing = { items: [item], discounts: [{ ...discount, amount: '0.05' }] }
    const step = await summaryOf('submitBillingData', { body: { ...data, usage, billing } })
    expect(step.headings).toEqual(['✅ submitBillingData: accepted', 'Interim charges'])
    expect(step.tables).toEqual([
      [
        ['Day ends', '2025-03-16 00:00 UTC'],
        ['Period', '2025-03-01 00:00 UTC – 2025-03-31 21:59 UTC'],
      ],
      [
        ['Usage', 'Type', 'Day', 'Period', 'Plan', 'Used'],
        ['Storage', 'total', '1 GB', '30 GB', '', ''],
        ['Storage db-1', 'total', '1 GB', '30 GB', '40', '75 %'],
        ['Storage', 'total', '1 GB', '30 GB', '0', ''],
        ['Storage', 'total', '1 GB', '30 GB', '40', ''],
      ],
      [chargedAlone, ['Storage', '2.5 GB', '1.50', '0.1'], ['Welcome', '', '', '−0.05']],
    ])
    expect(step.paragraphs).toEqual(['Total: 0.05'])
  })

  test('usage of the installation has its name alone', async () => {
    const { all } = await summaryOf('submitBillingData', { body: { usage: [metric] } })
    expect(all.filter(({ tagName }) => tagName === 'code')).toHaveLength(1)
  })

  test('charges may be a list, or absent', async () => {
    const plain = await summaryOf('submitBillingData', { body: { ...data, usage: [], billing: [item] } })
    expect(plain.tables.slice(1)).toEqual([[chargedAlone, ['Storage', '2.5 GB', '1.50', '0.1']]])
    const none = await summaryOf('submitBillingData', { body: { ...data, billing: [] } })
    expect(none.headings).toEqual(['✅ submitBillingData: accepted'])
    expect(none.tables).toHaveLength(2)
  })

  test('balances, in cents', async () => {
    const balances = [
      { currencyValueInCents: 105 },
      { resourceId: 'db-1', nameLabel: 'Tokens', credit: '1,000', currencyValueInCents: 0 },
      { resourceId: 'db-2', currencyValueInCents: '7' },
      { resourceId: 'db-3', currencyValueInCents: Number.POSITIVE_INFINITY },
    ]
    expect((await summaryOf('submitPrepaymentBalances', { body: { balances } })).tables).toEqual([
      [
        ['Of', 'Name', 'Credit', 'Worth'],
        ['installation', '', '', '$1.05'],
        ['db-1', 'Tokens', '1,000', '$0.00'],
        ['db-2', '', '', ''],
        ['db-3', '', '', ''],
      ],
    ])
  })

  test('a finalized installation', async () => {
    const { paragraphs } = await summaryOf('finalizeInstallation')
    expect(paragraphs).toEqual(['No more invoices follow for this installation.'])
  })
})

describe('resources', () => {
  const list = [
    { name: 'URL', value: '***', prefix: 'DB', environmentOverrides: { preview: '***', production: { $env: 'P' } } },
    { name: 'KEY', value: { $env: 'KEY' } },
  ]
  const named = [
    ['Secret', 'Prefix', 'Other values for'],
    ['URL', 'DB', 'preview, production'],
    ['KEY', '', ''],
  ]
  const all = 'Sets these secrets; all other secrets of the resource are deleted.'
  const some = 'Sets these secrets; the resource keeps its other secrets.'

  test.each([
    ['updateResourceSecrets', { secrets: list }, all],
    ['updateResourceSecretsById', { secrets: list, partial: false }, all],
    ['updateResourceSecretsById', { secrets: list, partial: true }, some],
    ['importResource', { secrets: list }, all],
    ['updateResource', { secrets: list }, all],
    ['updateResource', { secrets: { secrets: list } }, all],
    ['updateResource', { secrets: { secrets: list, partial: true } }, some],
  ])('%s with %j names the secrets', async (name, body, sentence) => {
    const step = await summaryOf(name, { body })
    expect(step.paragraphs).toEqual([sentence])
    expect(step.tables).toEqual([named])
  })

  test.each(['importResource', 'updateResource'])('%s shows what it sets', async (name) => {
    const body = {
      name: 'Orders',
      status: 'ready',
      productId: 'db',
      billingPlan: { id: 'pro', name: 'Pro' },
      notification: { level: 'info', title: 'Moving' },
    }
    const step = await summaryOf(name, { body, result: { internalId: 'other' } })
    expect(step.tables).toEqual([
      [
        ['Name', 'Orders'],
        ['Status', 'ready'],
        ['Product', 'db'],
        ['Plan', 'Pro'],
        ['Notification', 'Moving'],
      ],
    ])
    expect(step.paragraphs).toEqual([])
  })

  test('a notification that is removed', async () => {
    const { paragraphs } = await summaryOf('updateResource', { body: { notification: null } })
    expect(paragraphs).toEqual(['Removes the notification.'])
  })

  const resource = { partnerId: 'db-1', internalId: 'ir_1', name: 'Orders', productId: 'db', status: 'ready' }

  test('a resource that was read', async () => {
    const result = { ...resource, billingPlanId: 'pro' }
    expect((await summaryOf('getIntegrationResource', { result })).tables).toEqual([
      [
        ['Name', 'Orders'],
        ['Status', 'ready'],
        ['Product', 'db'],
        ['Plan', 'pro'],
        ['Vercel’s id', 'ir_1'],
      ],
    ])
  })

  test('a list of resources, at most fifty', async () => {
    const resources = Array.from({ length: 53 }, (_, index) => ({ ...resource, partnerId: `db-${index}` }))
    const [rows = []] = (await summaryOf('getIntegrationResources', { result: { resources } })).tables
    expect(rows.slice(0, 2)).toEqual([
      // Empty columns are left out.
      ['Resource', 'Name', 'Product', 'Status'],
      ['db-0', 'Orders', 'db', 'ready'],
    ])
    expect(rows.slice(50)).toEqual([['db-49', 'Orders', 'db', 'ready'], ['and 3 more']])
    const none = await summaryOf('getIntegrationResources', { result: { resources: [] } })
    expect(none.paragraphs).toEqual(['No resources.'])
  })

  test('a deleted resource', async () => {
    const { paragraphs } = await summaryOf('deleteIntegrationResource', { params: { resourceId: 'db-1' } })
    expect(paragraphs).toEqual(['The resource db-1 is deleted.'])
  })
})

describe('an installation', () => {
  test.each([
    [{ notification: { level: 'info', title: 'Moving' } }, 'Moving'],
    [{ notification: null }, 'removed'],
  ])('with %j', async (change, notification) => {
    const body = { status: 'ready', externalId: 'acme', billingPlan: { id: 'pro', name: 'Pro' }, ...change }
    expect((await summaryOf('updateInstallation', { body })).tables).toEqual([
      [
        ['Status', 'ready'],
        ['External id', 'acme'],
        ['Plan', 'Pro'],
        ['Notification', notification],
      ],
    ])
  })

  test('its account and a member', async () => {
    const account = { name: 'Acme', url: 'https://vercel.com/acme', contact: { name: 'Ada', email: 'ada@example.com' } }
    expect((await summaryOf('getAccountInfo', { result: account })).tables).toEqual([
      [
        ['Account', 'Acme'],
        ['Page', 'https://vercel.com/acme'],
        ['Contact', 'Ada, ada@example.com'],
      ],
    ])
    const member = { id: 'm_1', role: 'ADMIN', userEmail: 'ada@example.com' }
    expect((await summaryOf('getMember', { result: member })).tables).toEqual([
      [
        ['Member', 'm_1'],
        ['Role', 'ADMIN'],
        ['Email', 'ada@example.com'],
      ],
    ])
  })

  test('an event', async () => {
    const event = { type: 'resource.updated', resourceId: 'db-1', productId: 'db', billingPlanId: 'pro' }
    expect((await summaryOf('createEvent', { body: { event } })).tables).toEqual([
      [
        ['Event', 'resource.updated'],
        ['Resource', 'db-1'],
        ['Product', 'db'],
        ['Plan', 'pro'],
      ],
    ])
  })

  test.each([
    ['rotateInstallationCredential', { access_token: '***' }, 'an access token'],
    [
      'rotateInstallationCredential',
      { access_token: '***', expires_in: 3600 },
      'an access token, valid for 60 minutes',
    ],
    ['rotateInstallationCredential', { access_token: '***', expires_in: 7200 }, 'an access token, valid for 2 hours'],
    ['rotateInstallationCredential', { access_token: '***', expires_in: 172_800 }, 'an access token, valid for 2 days'],
    [
      'rotateInstallationCredential',
      { access_token: '***', expires_in: 86_400 },
      'an access token, valid for 24 hours',
    ],
    [
      'rotateInstallationCredential',
      { access_token: '***', expires_in: 31_536_000 },
      'an access token, valid for 365 days',
    ],
    [
      'exchangeSsoToken',
      { access_token: 1, refresh_token: 1, id_token: 1 },
      'an access token, a refresh token, an ID token',
    ],
  ])('%s with the response %j names the issued tokens', async (name, result, what) => {
    const step = await summaryOf(name, { result })
    expect(step.paragraphs).toEqual([`Issued: ${what}. The values are in the outputs, masked.`])
    expect(step.tables).toEqual([])
  })

  test('a response without a token names none', async () => {
    const { paragraphs } = await summaryOf('exchangeSsoToken', { result: 'no object' })
    expect(paragraphs).toEqual(['The response contains no token that can be read.'])
  })

  test.each([
    [{}, 'The token is revoked.'],
    [{ already_revoked: true }, 'The token was already revoked.'],
  ])('revoking that was answered %j', async (result, sentence) => {
    expect((await summaryOf('revokeInstallationCredential', { result })).paragraphs).toEqual([sentence])
  })
})

describe('experimentation', () => {
  const experiment = { id: 'i_1', slug: 'new-cart', category: 'experiment', name: 'New cart' }

  test('added items', async () => {
    const items = [experiment, { ...experiment, id: 'i_2', isArchived: true }]
    expect((await summaryOf('createExperimentationItems', { body: { items } })).tables).toEqual([
      [
        ['Item', 'Slug', 'Kind', 'Name', ''],
        ['i_1', 'new-cart', 'experiment', 'New cart', ''],
        ['i_2', 'new-cart', 'experiment', 'New cart', 'archived'],
      ],
    ])
  })

  test.each([
    [true, [['Archived', 'yes']]],
    [false, [['Archived', 'no']]],
    [undefined, []],
  ])('an item that changes, archived: %s', async (isArchived, archived) => {
    const body = { ...experiment, isArchived }
    expect((await summaryOf('updateExperimentationItem', { params: { itemId: 'i_1' }, body })).tables).toEqual([
      [['Item', 'i_1'], ['Slug', 'new-cart'], ['Kind', 'experiment'], ['Name', 'New cart'], ...archived],
    ])
  })

  test('a deleted item', async () => {
    const { paragraphs } = await summaryOf('deleteExperimentationItem', { params: { itemId: 'i_1' } })
    expect(paragraphs).toEqual(['The item i_1 is deleted.'])
  })

  test('a Global Config, by its keys', async () => {
    const items = Object.fromEntries(Array.from({ length: 52 }, (_, index) => [`key-${index}`, 'a value']))
    const result = { items, updatedAt: Date.parse('2025-03-01T10:00:00Z'), digest: 'd1' }
    const step = await summaryOf('getGlobalConfig', { result })
    expect(step.tables).toEqual([
      [
        ['Keys', '52'],
        ['Updated', '2025-03-01 10:00 UTC'],
        ['Digest', 'd1'],
      ],
    ])
    expect(step.paragraphs).toEqual([`${Object.keys(items).slice(0, 50).join(' ')} and 2 more`])
  })

  test('a Global Config to be set is shown before there is a response', async () => {
    const step = await summaryOf('replaceGlobalConfig', { ...dry, body: { data: { a: 1, b: 2 } } })
    expect(step.tables).toEqual([[['Keys', '2']]])
    expect(step.paragraphs.slice(1)).toEqual(['a b'])
  })

  test('of fifty keys is shown whole', async () => {
    const items = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`key-${index}`, 1]))
    const { paragraphs } = await summaryOf('getGlobalConfig', { result: { items } })
    expect(paragraphs).toEqual([Object.keys(items).join(' ')])
  })

  test.each([1e300, 8e15, '1000'])('the time %j, which is out of range or a text, is left out', async (updatedAt) => {
    const { tables } = await summaryOf('getGlobalConfig', { result: { items: {}, updatedAt } })
    expect(tables).toEqual([[['Keys', '0']]])
  })
})
