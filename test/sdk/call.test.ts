// The catalogue against the SDK itself: what its functions send, seen at the door.

import { readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { VercelCore } from '@vercel/sdk/core.js'
import { SDKHooks } from '@vercel/sdk/hooks/hooks.js'
import { HTTPClient } from '@vercel/sdk/lib/http.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { HttpRequest } from '../../src/http/transport.ts'
import { findOperation, namesOf, type Operation, operations } from '../../src/operations/catalogue.ts'
import { check } from '../../src/payload/check.ts'
import { segment } from '../../src/payload/schema.ts'
import { callOperation } from '../../src/sdk/call.ts'
import { payloadOf, sentFor } from '../payload/arbitrary.ts'
import { fixedNow, newCheck } from '../payload/checking.ts'

const funcs = dirname(fileURLToPath(import.meta.resolve('@vercel/sdk/funcs/marketplaceSubmitInvoice.js')))
const sdkFunctions = readdirSync(funcs)
  .filter((name) => /^marketplace.*\.js$/.test(name))
  .map((name) => name.slice(0, -'.js'.length))

const functionOf = ({ sdkName }: Operation) => `marketplace${sdkName[0]?.toUpperCase()}${sdkName.slice(1)}`

test('the catalogue has a row for each of the SDK’s Marketplace functions, and no other', () => {
  expect(operations.map(functionOf).sort()).toEqual(sdkFunctions.sort())
  expect(operations).toHaveLength(26)
})

test('every name of an operation leads to it, and to no other', () => {
  for (const operation of operations) {
    expect(namesOf(operation)).toEqual(expect.arrayContaining([operation.name, operation.sdkName, operation.id]))
    for (const name of namesOf(operation)) expect(findOperation(name)).toBe(operation)
  }
  expect(new Set(operations.flatMap(namesOf)).size).toBe(operations.flatMap(namesOf).length)
  for (const name of ['', 'toString', 'submitinvoice', 'submit_invoice']) expect(findOperation(name)).toBeUndefined()
})

describe.each(operations)('$sdkName', (operation) => {
  const { pathParameters } = operation
  const { body } = operation
  const params = fc.record(Object.fromEntries(pathParameters.map((name) => [name, payloadOf(segment())])))
  const inputs = fc.record({ params, payload: body ? payloadOf(body) : fc.constant(undefined) })

  test('has the SDK’s operation id, method and path', async () => {
    const module = await import(`${funcs}/${functionOf(operation)}.js`)
    let id: string | undefined
    let sent: Request | undefined
    const hooks = new SDKHooks()
    hooks.registerBeforeRequestHook({
      beforeRequest: ({ operationID }, request) => {
        id = operationID
        return request
      },
    })
    const httpClient = new HTTPClient({
      fetcher: async (request) => {
        sent = request as Request
        return new Response('{}', { headers: { 'content-type': 'application/json' } })
      },
    })
    const [{ payload } = { payload: undefined }] = fc.sample(inputs, { numRuns: 1, seed: 1 })
    const params = Object.fromEntries(pathParameters.map((name) => [name, `the-${name}`]))
    const requestBody = body && check(body, payload, [], newCheck())
    const request = pathParameters.length === 0 ? requestBody : { ...params, ...(body && { requestBody }) }
    const options = { serverURL: 'https://api.example', bearerToken: 't', httpClient, hooks }
    await module[functionOf(operation)](new VercelCore(options), request).catch(() => 'an answer that does not fit')

    const path = operation.path.replace(/\{(\w+)\}/g, 'the-$1')
    expect({ id, method: sent?.method, url: sent?.url }).toEqual({
      // The SDK has ids of its own for the experimentation operations.
      id:
        operation.family === 'experimentation'
          ? expect.stringMatching(/^[a-z]+Installations.*Experimentation/)
          : operation.id,
      method: operation.method,
      url: `https://api.example${path}`,
    })
  })

  test('sends what a payload says, all of it, and nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(inputs, async ({ params, payload }) => {
        const context = newCheck()
        const checked = body && check(body, JSON.parse(JSON.stringify(payload)), [], context)
        expect(context.errors).toEqual([])

        let wire: HttpRequest | undefined
        await callOperation({
          request: {
            operation,
            params,
            body: checked as Record<string, unknown> | undefined,
            redacted: () => undefined,
          },
          baseUrl: 'https://api.example',
          token: 'the-token',
          send: async (request) => {
            wire = request
            return { status: 200, headers: { 'content-type': 'application/json' }, text: '{}' }
          },
        })
        const path = operation.path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(String(params[name])))
        expect(wire?.url.href).toBe(`https://api.example${path}`)
        expect(wire?.method).toBe(operation.method)
        expect(wire?.headers.authorization).toBe(operation.anonymous ? undefined : 'Bearer the-token')
        if (body) expect(JSON.parse(wire?.body ?? '')).toEqual(onTheWire(operation, sentFor(body, payload, fixedNow)))
        else expect(wire?.body).toBeUndefined()
      }),
      { numRuns: body ? 60 : 10 },
    )
  })
})

/** In OAuth's own requests the API has names in snake case. */
function onTheWire({ name }: Operation, sent: unknown): unknown {
  const oauth = ['exchangeSsoToken', 'rotateInstallationCredential', 'revokeInstallationCredential']
  if (!oauth.includes(name)) return sent
  const snake = (field: string) => field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  return Object.fromEntries(Object.entries(sent as object).map(([field, value]) => [snake(field), value]))
}
