import { hash } from 'node:crypto'
import { expect, test } from 'vitest'
import { operationNamed } from '../../src/operations/catalogue.ts'
import { apiOf, RequestDigest, requestDigest } from '../../src/operations/request-digest.ts'

const subject = { operation: operationNamed('submitInvoice'), baseUrl: 'https://api.vercel.com/', externalId: 'derive' }
const head = '["submitInvoice","https://api.vercel.com","derive"]'

test.each([0, 1, 255, 256, 257, 600])('the digest of %d contents is that of the lines', (count) => {
  const contents = Array.from({ length: count }, (_, index) => `content-${index}`)
  const digest = new RequestDigest(subject)
  for (const content of contents) digest.add(content)
  expect(digest.finish()).toBe(`sha256:${hash('sha256', [head, ...contents].join('\n'))}`)
})

test('the digest of a request is that of its one content', () => {
  expect(requestDigest(subject, 'content')).toBe(`sha256:${hash('sha256', `${head}\ncontent`)}`)
})

test('the mode of keys counts only for operations with keys, and the sandbox is an API of its own', () => {
  const refund = { operation: operationNamed('updateInvoice'), baseUrl: undefined, externalId: 'derive' }
  expect(requestDigest(refund, 'content')).toBe(`sha256:${hash('sha256', '["updateInvoice","sandbox",null]\ncontent')}`)
})

test.each<[baseUrl: string | undefined, api: string]>([
  [undefined, 'sandbox'],
  ['https://api.vercel.com', 'https://api.vercel.com'],
  ['https://api.vercel.com//', 'https://api.vercel.com'],
  ['https://proxy.example:8443/a//b/', 'https://proxy.example:8443/a//b'],
])('the API of %s is %s', (baseUrl, api) => expect(apiOf(baseUrl)).toBe(api))
