// One request, from inputs to outputs, by main() in process.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { main } from '../../src/main.ts'
import { systemClock } from '../../src/runtime.ts'
import { startSandboxServer } from '../../src/sandbox/server.ts'
import { changed, installation, invoice, token } from '../e2e/invoices.ts'
import { testRuntime } from '../test-runner.ts'

/** Runs a step against a server that counts. */
async function scene() {
  const server = await startSandboxServer()
  onTestFinished(server.close)
  const run = async (inputs: Record<string, string> = {}, env: Record<string, string> = {}) => {
    const runtime = testRuntime(
      { operation: 'submitInvoice', token, 'api-url': server.url, payload: JSON.stringify(invoice), ...inputs },
      { env, clock: { ...systemClock, sleep: async () => {} } },
    )
    const code = await main(runtime)
    return { code, ...runtime.runner }
  }
  return { server, run }
}

describe('an input that does not exist is an error, and nothing is sent', () => {
  test.each([
    ['INPUT_DRY_RUN', '"dry_run"', '`dry-run`'],
    ['INPUT_API_URL', '"api_url"', '`api-url`'],
    ['INPUT_PAYLOAD_FILE', '"payload_file"', '`payload-file`'],
  ])('%s', async (variable, given, nearest) => {
    const { server, run } = await scene()
    const { code, errors, outputs } = await run({}, { [variable]: 'true' })
    expect({ code, errorCode: outputs.errorCode }).toEqual({ code: 1, errorCode: 'invalid_input' })
    expect(errors).toEqual([`Input ${given} does not exist; did you mean ${nearest}?`])
    expect(server.arrivals).toEqual([])
  })

  test('mergeJournals too', async () => {
    const inputs = { operation: 'mergeJournals', token: '', payload: '', 'api-url': '', 'journal-file': 'x' }
    const { run } = await scene()
    expect((await run(inputs, { INPUT_SUMARY: 'x' })).errors).toContain(
      'Input "sumary" does not exist; did you mean `summary`?',
    )
  })

  test('and every declared one is known, with its dashes', async () => {
    const { run } = await scene()
    const { code } = await run({}, { 'INPUT_DRY-RUN': 'false', INPUT_PAYLOAD: 'x', 'INPUT_API-URL': 'x' })
    expect(code).toBe(0)
  })
})

test('the line of a request names its host', async () => {
  const { server, run } = await scene()
  const { lines } = await run()
  expect(lines).toContain(`> POST ${server.url}/v1/installations/${installation}/billing/invoices`)
})

describe('on-duplicate', () => {
  test('send is not for invoices', async () => {
    const { run } = await scene()
    expect((await run({ 'on-duplicate': 'send' })).errors).toEqual([
      'Input `on-duplicate` must be fail or succeed for submitInvoice',
    ])
  })

  test('is of no use to other operations', async () => {
    const { run } = await scene()
    const inputs = { operation: 'getAccountInfo', payload: '', 'installation-id': installation, 'on-duplicate': 'send' }
    expect((await run(inputs)).errors).toEqual([expect.stringContaining('it is for invoices and refunds')])
  })
})

describe('a duplicate', () => {
  const own = changed({ externalId: 'our-7' })
  const again = async (inputs: Record<string, string>) => {
    const { run } = await scene()
    await run(inputs)
    return run({ ...inputs, 'on-duplicate': 'succeed' })
  }

  test('of a key of the payload warns that its content is unknown', async () => {
    const { outputs, warnings } = await again({ payload: own })
    expect(outputs).toMatchObject({ status: 'duplicate', externalId: 'our-7' })
    expect(warnings).toEqual([expect.stringContaining('Vercel does not return its content')])
  })

  test('of a key that is an input warns as well', async () => {
    const { warnings } = await again({ payload: changed({ externalId: undefined }), 'external-id': 'november' })
    expect(warnings).toEqual([expect.stringContaining('Vercel does not return its content')])
  })

  test('of a derived key does not, because the content is the same', async () => {
    const { outputs, warnings } = await again({ payload: changed({ externalId: undefined }) })
    expect({ status: outputs.status, warnings }).toEqual({ status: 'duplicate', warnings: [] })
  })

  test('cannot be waited for, which is a failure', async () => {
    const { code, outputs, errors } = await again({ payload: own, 'wait-for': 'paid', 'wait-interval': '1' })
    expect({ code, status: outputs.status, errorCode: outputs.errorCode }).toEqual({
      code: 1,
      status: 'failed',
      errorCode: 'duplicate_without_id',
    })
    expect(errors).toEqual([expect.stringMatching(/Cannot wait.*Nothing was billed twice.*getInvoice/)])
  })
})

/** A server that gives these responses in order, the last one again and again, and counts the requests. */
async function apiAnswering(...responses: readonly { readonly status?: number; readonly body: string }[]) {
  const requests: string[] = []
  const api = createServer((request, response) => {
    const { status = 200, body } = responses[Math.min(requests.length, responses.length - 1)] ?? { body: '' }
    requests.push(`${request.method}`)
    response.statusCode = status
    request.resume().on('end', () => response.setHeader('content-type', 'application/json').end(body))
  })
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void api.close())
  return { requests, url: `http://127.0.0.1:${(api.address() as AddressInfo).port}` }
}

describe('an accepted invoice without an id', () => {
  test('is accepted, with a warning not to send it again', async () => {
    const { run } = await scene()
    const { requests, url } = await apiAnswering({ body: '{"ok":true}' })
    const { code, outputs, warnings } = await run({ 'api-url': url })
    expect({ code, status: outputs.status, result: outputs.result }).toEqual({
      code: 0,
      status: 'accepted',
      result: '{"ok":true}',
    })
    expect(warnings).toEqual([expect.stringMatching(/no `invoiceId`. Do not send the request again/)])
    expect(requests).toHaveLength(1)
  })

  test('of a test that only validates has no warning', async () => {
    const { run } = await scene()
    const { url } = await apiAnswering({ body: '{"test":true,"validationErrors":[]}' })
    const payload = changed({ test: { validate: true } })
    expect(await run({ 'api-url': url, payload })).toMatchObject({
      code: 0,
      warnings: [],
      outputs: { status: 'validated' },
    })
  })

  test('cannot be waited for, and is not called a duplicate', async () => {
    const { run } = await scene()
    const { requests, url } = await apiAnswering({ body: '{}' })
    const { code, outputs, errors } = await run({ 'api-url': url, 'wait-for': 'paid' })
    expect({ code, errorCode: outputs.errorCode }).toEqual({ code: 1, errorCode: 'accepted_without_id' })
    expect(requests).toHaveLength(1)
    expect(errors).toEqual([expect.stringMatching(/Vercel accepted the invoice.*Do not send the request again/)])
  })
})

test('a response without a body is accepted, with a warning that says that the result is null', async () => {
  const { run } = await scene()
  const { url } = await apiAnswering({ body: '' })
  const inputs = { operation: 'getAccountInfo', payload: '', 'installation-id': installation, 'api-url': url }
  const { code, outputs, warnings } = await run(inputs)
  expect({ code, result: outputs.result }).toEqual({ code: 0, result: 'null' })
  expect(warnings).toEqual([expect.stringMatching(/200 without a body. `result` is null$/)])
})

test('a failure at Vercel is told with its status, its code and its message', async () => {
  const { run } = await scene()
  const { url } = await apiAnswering({ status: 501, body: '{"error":{"code":"internal","message":"boom"}}' })
  const { outputs, errors } = await run({ 'api-url': url })
  expect(outputs.errorCode).toBe('internal')
  expect(errors[0]).toMatch(/^Vercel answered 501 internal to submitInvoice: boom\. The outcome is unknown/)
})

test('an invoice that cannot come into the state any more is the result of the step', async () => {
  const { run } = await scene()
  const { requests, url } = await apiAnswering({ body: '{"state":"pending"}' }, { body: '{"state":"refunded"}' })
  const inputs = { operation: 'getInvoice', payload: '', 'invoice-id': 'inv_1', 'installation-id': installation }
  const { outputs } = await run({ ...inputs, 'api-url': url, 'wait-for': 'paid', 'wait-interval': '1' }, {})
  expect(outputs).toMatchObject({ errorCode: 'state_unreachable', result: '{"state":"refunded"}' })
  expect(requests).toHaveLength(2)
})

describe('a refund that was found made, or may have been', () => {
  const inputs = {
    operation: 'updateInvoice',
    'installation-id': installation,
    'invoice-id': 'inv_1',
    payload: JSON.stringify({ action: 'refund', reason: 'outage', total: '1.00' }),
  }

  test('says while it waits that nothing was sent, and so does the summary', async () => {
    const { run } = await scene()
    const made = { state: 'refund_requested', refundReason: 'outage', refundTotal: '1.00', total: '5.00' }
    const { requests, url } = await apiAnswering({ body: JSON.stringify(made) })
    const step = { ...inputs, 'api-url': url, 'on-duplicate': 'succeed', 'wait-for': 'draft', 'wait-interval': '1' }
    const { errors, outputs } = await run(step)
    expect(errors).toEqual([expect.stringMatching(/Nothing was sent, because the invoice already shows the refund/)])
    expect({ errorCode: outputs.errorCode, requests }).toEqual({
      errorCode: 'state_unreachable',
      requests: requests.map(() => 'GET'),
    })
  })

  test('is not sent with fail-on-warning', async () => {
    const { run } = await scene()
    const other = { state: 'refunded', refundReason: 'other', refundTotal: '1.00', total: '5.00' }
    const { requests, url } = await apiAnswering({ body: JSON.stringify(other) })
    const { errors, outputs } = await run({ ...inputs, 'api-url': url, 'fail-on-warning': 'true' })
    expect(outputs.errorCode).toBe('refund_present')
    expect(errors).toEqual([
      expect.stringMatching(/only the latest reason.*Nothing was sent, because of `fail-on-warning`/),
    ])
    expect(requests).toEqual(['GET'])
  })
})

test('a rotation whose response has no token warns, if nothing is to be stored', async () => {
  const { run } = await scene()
  const { url } = await apiAnswering({ body: '{}' })
  const payload = JSON.stringify({ clientId: 'oac_1', clientSecret: 'client-secret-1' })
  const inputs = { operation: 'rotateInstallationCredential', 'installation-id': installation, payload }
  const { code, warnings } = await run({ ...inputs, 'api-url': url })
  expect(code).toBe(0)
  expect(warnings).toContainEqual(expect.stringMatching(/no token that can be read. The current token still works/))
})

test.each([
  [
    'of a secret that was put into JSON',
    '{"partial":true,"secrets":[{"name":"KEY","value":"-----BEGIN\nabc"}]}',
    /line break/,
  ],
  ['in a password', '{"partial":true,"secrets":[{"name":"KEY","value":"pass\\eword"}]}', /write a backslash itself as/],
])('a line break or a backslash %s is refused, and not changed', async (_, payload, message) => {
  const { server, run } = await scene()
  const resource = { 'installation-id': installation, 'resource-id': 'db' }
  const { code, errors } = await run({ operation: 'updateResourceSecretsById', ...resource, payload })
  expect(code).toBe(1)
  expect(errors).toEqual([expect.stringMatching(message)])
  expect(server.arrivals).toEqual([])
})

test('an empty externalId is no key, so the invoice is refused', async () => {
  const { server, run } = await scene()
  const { outputs } = await run({ payload: JSON.stringify({ ...invoice, externalId: '' }) })
  expect(outputs.errorMessage).toMatch(/^externalId is empty; set it, or remove the field/)
  expect(server.arrivals).toEqual([])
})

test('an error that is a text is shown', async () => {
  const { run } = await scene()
  const error = { error: 'invalid_grant', error_description: 'The code has expired' }
  const { url } = await apiAnswering({ status: 400, body: JSON.stringify(error) })
  const { outputs } = await run({ 'api-url': url })
  expect(outputs).toMatchObject({
    errorCode: 'invalid_grant',
    errorMessage: 'Vercel refused submitInvoice with 400 invalid_grant: The code has expired',
  })
})

describe('validationErrors', () => {
  const body = '{"invoiceId":"inv_9","validationErrors":["no such plan"]}'

  test('of a real invoice do not hide that it was accepted', async () => {
    const { run } = await scene()
    const { url } = await apiAnswering({ body })
    const { code, outputs } = await run({ 'api-url': url })
    expect({ code, status: outputs.status, invoiceId: outputs.invoiceId }).toEqual({
      code: 0,
      status: 'accepted',
      invoiceId: 'inv_9',
    })
  })

  test.each([body, '{"validationErrors":"no such plan"}', '{"validationErrors":{"items":"no such plan"}}'])(
    'of a test invoice fail the step: %s',
    async (answer) => {
      const { run } = await scene()
      const { url } = await apiAnswering({ body: answer })
      const { outputs, errors } = await run({ 'api-url': url, payload: changed({ test: {} }) })
      expect(outputs.errorCode).toBe('validation_failed')
      expect(errors).toEqual([expect.stringContaining('no such plan')])
    },
  )

  test.each(['""', '{}', '[]', 'null', 'true'])('that list nothing do not: %s', async (errors) => {
    const { run } = await scene()
    const { url } = await apiAnswering({ body: `{"invoiceId":"inv_9","validationErrors":${errors}}` })
    expect(await run({ 'api-url': url, payload: changed({ test: {} }) })).toMatchObject({ code: 0 })
  })
})

test('a page of a proxy that refuses is not taken for the API', async () => {
  const { run } = await scene()
  const { url } = await apiAnswering({ status: 403, body: '<html><body>Blocked by policy</body></html>' })
  const { errors, outputs } = await run({ 'api-url': url })
  expect(outputs.errorCode).toBe('http_403')
  expect(errors).toEqual([expect.stringMatching(/403 and an HTML page.*Check `api-url`, and the proxy or firewall/)])
})

test('outputs that cannot be written are found before a request that changes something is sent', async () => {
  const { requests, url } = await apiAnswering({ body: '{}' })
  const payload = JSON.stringify({ ...invoice, externalId: undefined })
  const runtime = testRuntime({ operation: 'submitInvoice', token, 'api-url': url, payload, 'external-id': 'none' })
  const runner = {
    ...runtime.runner,
    setOutput: () => {
      throw new Error('ENOSPC: no space left on device')
    },
  }
  expect(await main({ ...runtime, runner })).toBe(1)
  expect(runner.errors[0]).toMatch(/could not be written: ENOSPC.*Nothing was sent/)
  expect(requests).toEqual([])
})

test.each(['AUTO', 'None'])('external-id: %s is a mistake, and not a key', async (text) => {
  const { server, run } = await scene()
  const { errors } = await run({ 'external-id': text, payload: changed({ externalId: undefined }) })
  expect(errors).toEqual([expect.stringContaining(`must be \`${text.toLowerCase()}\` in lower case`)])
  expect(server.arrivals).toEqual([])
})

describe('the digest of a request', () => {
  const digestOf = async (inputs: Record<string, string> = {}, env = {}) => {
    const { run } = await scene()
    const { outputs } = await run({ 'dry-run': 'true', 'api-url': 'https://api.vercel.com', ...inputs }, env)
    expect(outputs.status).toBe('validated')
    return outputs.digest
  }

  test('does not depend on the order of keys, blanks, notation or where the id is given', async () => {
    const digest = await digestOf()
    expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/)
    const { integrationConfigurationId, ...rest } = invoice
    const others = [
      JSON.stringify(Object.fromEntries(Object.entries(invoice).reverse()), null, 4),
      `# YAML\n${JSON.stringify(invoice)}`,
    ]
    for (const payload of others) expect(await digestOf({ payload })).toBe(digest)
    expect(await digestOf({ payload: JSON.stringify(rest), 'installation-id': integrationConfigurationId })).toBe(
      digest,
    )
  })

  test('depends on content, operation, API and the mode of keys', async () => {
    const digests = await Promise.all([
      digestOf(),
      digestOf({ payload: changed({ memo: 'x' }) }),
      digestOf({ 'api-url': 'https://api.vercel.com/base' }),
      digestOf({ 'api-url': 'sandbox' }),
      digestOf({ payload: changed({ externalId: undefined }) }),
      digestOf({ payload: changed({ externalId: undefined }), 'external-id': 'none' }),
      digestOf({ operation: 'getAccountInfo', payload: '', 'installation-id': installation }),
    ])
    expect(new Set(digests).size).toBe(digests.length)
  })

  test('of a request with secrets depends on their values, and on the token', async () => {
    const payload = JSON.stringify({ secrets: [{ name: 'A', value: { $env: 'A' } }], partial: true })
    const inputs = {
      operation: 'updateResourceSecretsById',
      'installation-id': installation,
      'resource-id': 'db',
      payload,
    }
    const one = await digestOf(inputs, { A: 'value-one' })
    expect(await digestOf(inputs, { A: 'value-two' })).not.toBe(one)
    expect(await digestOf({ ...inputs, token: 'another-token' }, { A: 'value-one' })).not.toBe(one)
    expect(await digestOf(inputs, { A: 'value-one' })).toBe(one)
  })

  test('approves what was planned, and nothing else', async () => {
    const { server, run } = await scene()
    const { outputs } = await run({ 'dry-run': 'true' })
    const expected = { 'expect-digest': outputs.digest ?? '' }
    const changedOne = await run({ ...expected, payload: changed({ memo: 'other' }) })
    expect(changedOne.outputs).toMatchObject({ errorCode: 'digest_mismatch', status: 'failed' })
    expect(changedOne.errors[0]).toContain(outputs.digest)
    expect(changedOne.errors[0]).toContain(changedOne.outputs.digest)
    expect(server.arrivals).toEqual([])
    expect((await run(expected)).outputs).toMatchObject({ status: 'accepted', digest: outputs.digest })
    expect(server.arrivals).toHaveLength(1)
  })

  test('must look like one', async () => {
    const { run } = await scene()
    expect((await run({ 'expect-digest': 'abc' })).errors).toEqual([
      expect.stringContaining('`expect-digest` must be sha256:'),
    ])
  })
})

describe('max-amount', () => {
  const { items } = invoice
  const bill = (total: string, more: object = {}) =>
    changed({
      items: items.map((item) => ({ ...item, price: total, quantity: 1, total })),
      discounts: undefined,
      ...more,
    })

  test.each([
    ['10.00', '10.00', true],
    ['10.000001', '10', false],
    ['9007199254740993.01', '9007199254740993.00', false],
    ['9007199254740993.00', '9007199254740993.01', true],
  ])('an invoice of %s under %s is sent: %s', async (total, limit, isSent) => {
    const { server, run } = await scene()
    const { code, outputs, errors } = await run({ payload: bill(total), 'max-amount': limit })
    expect(server.arrivals).toHaveLength(isSent ? 1 : 0)
    expect({ code, amount: outputs.amount }).toMatchObject({ code: isSent ? 0 : 1 })
    if (!isSent) {
      expect(outputs.errorCode).toBe('amount_exceeded')
      expect(errors[0]).toMatch(new RegExp(`installation "${installation}": the amount .* is above .max-amount.`))
    }
  })

  test('counts discounts and test invoices, and holds in a dry run', async () => {
    const { server, run } = await scene()
    const discounts = [{ billingPlanId: 'p', name: 'd', amount: '4.00' }]
    expect(
      (await run({ payload: bill('14.00', { discounts }), 'max-amount': '10', 'dry-run': 'true' })).outputs,
    ).toMatchObject({ status: 'validated', amount: '10.00' })
    const rehearsal = await run({ payload: bill('10.01', { test: {} }), 'max-amount': '10', 'dry-run': 'true' })
    expect(rehearsal.outputs.errorCode).toBe('amount_exceeded')
    expect(server.arrivals).toEqual([])
  })

  test('is of no use where no money moves', async () => {
    const { run } = await scene()
    const inputs = { operation: 'getAccountInfo', payload: '', 'installation-id': installation, 'max-amount': '1' }
    expect((await run(inputs)).errors).toEqual([expect.stringContaining('its requests move no money')])
  })
})

describe('fail-on-warning', () => {
  const payload = changed({ items: invoice.items.map((item) => ({ ...item, total: '9.99' })) })

  test('sends nothing, and shows the warning as an error', async () => {
    const { server, run } = await scene()
    const { code, outputs, errors, warnings } = await run({ payload, 'fail-on-warning': 'true' })
    expect({ code, errorCode: outputs.errorCode, warnings }).toEqual({
      code: 1,
      errorCode: 'invalid_payload',
      warnings: [],
    })
    expect(errors).toEqual([
      expect.stringMatching(/^items\[0\]\.total is 9\.99.*because of `fail-on-warning`; nothing was sent/),
    ])
    expect(server.arrivals).toEqual([])
  })

  test('without it the request is sent, with the warning', async () => {
    const { server, run } = await scene()
    expect(await run({ payload })).toMatchObject({ code: 0, warnings: [expect.stringContaining('items[0].total')] })
    expect(server.arrivals).toHaveLength(1)
  })
})
