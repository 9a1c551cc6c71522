// Every operation against the sandbox over HTTP: one of each family through the built action, the others in process.

import { expect, test } from 'vitest'
import { exampleSecrets } from '../../scripts/examples.ts'
import { namesOf, type OperationName, operations } from '../../src/operations/catalogue.ts'
import type { PathParameter } from '../../src/operations/definition.ts'
import { parameterInputs } from '../../src/operations/request.ts'
import { startPreparedServer } from '../delivery/requests.ts'
import { examplePayload, type Fields } from '../example-payloads.ts'
import { installation, invoice, token } from './invoices.ts'
import { runStep, runStepInProcess, scratch } from './step.ts'

const { billingPlan } = examplePayload('updateInstallation').body
const { secrets } = examplePayload('updateResourceSecretsById').body
const changes: Partial<Record<OperationName, Fields>> = {
  updateInstallation: { billingPlan: { ...billingPlan, own: 1 } },
  updateResource: { secrets: { secrets, partial: true } },
  updateResourceSecretsById: { partial: false },
  replaceGlobalConfig: { data: { a: [1, null] } },
}

/** What must not be shown. The state of a sign-in is not a secret. */
const { SSO_STATE: _, ...secretValues } = exampleSecrets
const password = 'password@'

/** Splits a payload into the inputs that path parameters have, and the fields that only a payload can hold. */
function inputsOf(name: OperationName, invoiceId: string): Record<string, string> {
  const { params, body } = examplePayload(name, { ids: { invoiceId }, changes: changes[name] ?? {} })
  const rest: Fields = { ...params, ...body }
  const inputs: Record<string, string> = {}
  for (const [input, parameter] of Object.entries<PathParameter>(parameterInputs)) {
    const id = params[parameter]
    if (id !== undefined) inputs[input] = id
    delete rest[parameter]
  }
  if (Object.keys(rest).length > 0) inputs.payload = JSON.stringify(rest)
  return inputs
}

const statuses: Partial<Record<OperationName, string>> = { getInvoice: 'pending', getIntegrationResource: 'ready' }

test.each(operations.map((operation) => [operation.name, operation] as const))('%s works', async (name, operation) => {
  const { server, invoiceId } = await startPreparedServer()
  const isFirst = operations.find(({ family }) => family === operation.family) === operation
  const step = await (isFirst ? runStep : runStepInProcess)({
    with: {
      operation: namesOf(operation).at(-1) ?? name,
      'api-url': server.url,
      ...(!operation.anonymous && { token }),
      ...inputsOf(name, invoiceId),
    },
  })
  expect(step.errors).toEqual([])
  expect(step.code).toBe(0)
  // The invoice is read before it is refunded.
  const reads = name === 'updateInvoice' ? ['getInvoice'] : []
  expect(server.arrivals.map((arrival) => arrival.operation)).toEqual([...reads, name])
  const result = JSON.parse(step.outputs.result ?? '')
  expect(step.outputs).toMatchObject({
    operation: operation.sdkName,
    status: statuses[name] ?? (operation.statusField ? result[operation.statusField.name] : 'accepted'),
    attempts: '1',
  })
  expect(step.summary).toContain(`${name}: `)
  const { idToken = '', accessToken = '', refreshToken = '', ...open } = step.outputs
  const issued = Object.entries({ idToken, accessToken, refreshToken }).filter(([, token]) => token)
  expect(issued.map(([output]) => output)).toEqual(operation.issues ?? [])
  expect(step.masks).toEqual(expect.arrayContaining(issued.map(([, token]) => token)))
  const visible = [step.lines.join('\n'), step.summary, JSON.stringify(open), JSON.stringify(step.annotations)].join(
    '\n',
  )
  const hidden = [token, ...Object.values(secretValues), password, idToken, accessToken, refreshToken]
  for (const secret of hidden.filter(Boolean)) expect(visible).not.toContain(secret)
  if (name === 'updateInstallation')
    expect(server.arrivals.at(-1)?.body).toMatchObject({ notification: null, billingPlan: { own: 1 } })
  if (operation.successor) expect(step.warnings.join()).toContain(operation.successor)
})

test('in the sandbox, a job submits an invoice, reads it until it is paid, and refunds it; a second one with the same externalId fails', async () => {
  const temp = scratch()
  const common = { 'api-url': 'sandbox', token, 'installation-id': installation }
  const run = (inputs: Record<string, string>) => runStepInProcess({ temp, with: { ...common, ...inputs } })
  const payload = JSON.stringify({ ...invoice, integrationConfigurationId: undefined })
  const { outputs } = await run({ operation: 'submitInvoice', payload })
  const again = await run({ operation: 'submitInvoice', payload })
  expect(again.outputs).toMatchObject({ status: 'failed', errorCode: 'conflict', httpStatus: '409' })
  const get = { operation: 'getInvoice', 'invoice-id': outputs.invoiceId ?? '' }
  const seen = [await run(get), await run(get), await run(get)].map((step) => step.outputs.status)
  expect(seen).toEqual(['pending', 'invoiced', 'paid'])
  const refund = { ...get, operation: 'updateInvoice' }
  await run({ ...refund, payload: '{action: refund, reason: r, total: "1.00"}' })
  expect((await run(get)).outputs.status).toBe('refund_requested')
  const tooMuch = await run({ ...refund, payload: '{action: refund, reason: other, total: "3.00"}' })
  expect(tooMuch.outputs.errorCode).toBe('refund_too_large')
  const same = await run({ ...refund, payload: '{action: refund, reason: r, total: "1.00"}' })
  expect(same.outputs).toMatchObject({ errorCode: 'refund_present', status: 'failed' })
})

test('a dry run sends nothing and shows the request without its secrets', async () => {
  const payload = JSON.stringify({ secrets: [...secrets, { name: 'B', value: { $env: 'B' } }], partial: true })
  const inputs = {
    operation: 'updateResourceSecretsById',
    'installation-id': installation,
    'resource-id': 'db-1',
    token,
    payload,
  }
  const step = await runStepInProcess({ with: { ...inputs, 'dry-run': 'true' }, env: { B: 'b-secret-value' } })
  expect(step.outputs.status).toBe('validated')
  expect(step.lines.join()).toContain('"value":"***"')
  expect(step.lines.join() + step.summary).not.toMatch(/b-secret-value|user:password/)
  expect(step.masks).toContain('b-secret-value')
})

test('text from a payload cannot start a workflow command or leave the summary', async () => {
  const memo = 'x\n::error::forged\n##[error]forged\n</td></table>\n\n# big <img src=x> @octocat'
  const step = await runStepInProcess({
    with: { operation: 'submitInvoice', 'api-url': 'sandbox', token, payload: JSON.stringify({ ...invoice, memo }) },
  })
  expect(step.annotations).toEqual([])
  expect(step.summary).toContain('&lt;/td&gt;&lt;/table&gt; # big &lt;img src=x&gt;')
  expect(step.summary.trimEnd()).not.toMatch(/\n\s*\n|<img|@octocat/)
})
