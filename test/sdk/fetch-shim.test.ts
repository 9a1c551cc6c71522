import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PlainHeaders, PlainRequest } from '../../src/sdk/fetch-shim.ts'
import { nodeWeb } from '../node-web.ts'

const { Headers: NodeHeaders, Request: NodeRequest } = nodeWeb()

const name = fc.stringMatching(/^[A-Za-z0-9-]{1,12}$/)
const value = fc.stringMatching(/^[\x20-\x7e]{0,20}$/)

test("headers behave like Node's, in any order of changes", () => {
  fc.assert(
    fc.property(fc.dictionary(name, value), fc.array(fc.tuple(name, value)), (initial, later) => {
      // Node joins the values of a name in two cases, which the SDK never uses.
      const lower = Object.keys(initial).map((key) => key.toLowerCase())
      fc.pre(new Set(lower).size === lower.length)
      const [ours, theirs] = [new PlainHeaders(initial), new NodeHeaders(initial)]
      for (const [key, text] of later) {
        ours.set(key, text)
        theirs.set(key, text)
      }
      expect([...ours].sort()).toEqual([...theirs].sort())
      for (const key of ['X-None', ...lower, ...later.map(([key]) => key)]) expect(ours.get(key)).toBe(theirs.get(key))
    }),
  )
})

test("a request has the properties of Node's", () => {
  const options = { method: 'PATCH', headers: new PlainHeaders({ Accept: 'application/json' }) }
  const ours = new PlainRequest(new URL('https://example.com/a%2Fb?c'), options).clone()
  const theirs = new NodeRequest('https://example.com/a%2Fb?c', { method: 'PATCH', headers: [...options.headers] })
  expect(ours.url).toBe(theirs.url)
  expect(ours.method).toBe(theirs.method)
  expect([...ours.headers]).toEqual([...theirs.headers])
})

test('a request without options is a GET without headers', () => {
  const request = new PlainRequest('https://example.com/')
  expect({ method: request.method, headers: [...request.headers] }).toEqual({ method: 'GET', headers: [] })
})
