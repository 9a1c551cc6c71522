import { createHash } from 'node:crypto'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { operationNamed } from '../../src/operations/catalogue.ts'
import { apiOf, RequestDigest, requestDigest } from '../../src/operations/request-digest.ts'

const sha256 = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`
const subject = { operation: operationNamed('submitInvoice'), baseUrl: 'https://api.vercel.com', externalId: 'auto' }
const head = '["submitInvoice","https://api.vercel.com","auto"]'

describe('the digest of what a step sends', () => {
  test('is of the operation, the API, how keys are made, and a line for each content', () => {
    expect(requestDigest(subject, 'one')).toBe(sha256(`${head}\none`))
  })

  test('has no mode of keys where an operation has none', () => {
    const refund = { ...subject, operation: operationNamed('updateInvoice') }
    expect(requestDigest(refund, 'one')).toBe(sha256('["updateInvoice","https://api.vercel.com",null]\none'))
  })

  test.each([0, 1, 255, 256, 257, 512, 600])('is the same however contents are hashed together: %i', (count) => {
    const digest = new RequestDigest(subject)
    const contents = Array.from({ length: count }, (_, index) => `content ${index}`)
    for (const content of contents) digest.add(content)
    expect(digest.finish()).toBe(sha256([head, ...contents].join('\n')))
  })

  test('hashes 256 contents at once, and keeps no more of them', () => {
    const updates = vi.spyOn(Object.getPrototypeOf(createHash('sha256')), 'update')
    onTestFinished(() => updates.mockRestore())
    const digest = new RequestDigest(subject)
    for (let index = 0; index < 600; index++) digest.add('x')
    expect(updates.mock.calls.map(([text]) => text)).toEqual([head, ...Array(2).fill('\nx'.repeat(256))])
  })
})

test.each([
  [undefined, 'sandbox'],
  ['https://api.vercel.com', 'https://api.vercel.com'],
  ['https://api.vercel.com/', 'https://api.vercel.com'],
  ['https://proxy.example:8443/vercel//', 'https://proxy.example:8443/vercel'],
  ['https://proxy.example/a/b', 'https://proxy.example/a/b'],
])('the API at %s is %s', (baseUrl, api) => {
  expect(apiOf(baseUrl)).toBe(api)
})
