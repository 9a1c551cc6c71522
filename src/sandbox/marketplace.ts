// A Vercel Marketplace of its own: it holds each request against the operation's schema and answers from its store.

import { type Operation, operations } from '../operations/catalogue.ts'
import { loadShape } from '../operations/request.ts'
import { type Check, check, segmentProblem } from '../payload/check.ts'
import { formatPath } from '../payload/problem.ts'
import { isObject } from '../payload/schema.ts'
import { type Answer, Refusal } from './answer.ts'
import { handlers } from './handlers.ts'
import { credentialsOf, fingerprint, recordsOf } from './installation.ts'
import type { Store } from './store.ts'

export interface SandboxRequest {
  readonly method: string
  /** Without a query. */
  readonly path: string
  readonly authorization?: string | undefined
  readonly body?: string | undefined
}

export interface SandboxAnswer extends Answer {
  readonly headers: Readonly<Record<string, string>>
}

export interface Marketplace {
  readonly handle: (request: SandboxRequest) => Promise<SandboxAnswer>
}

export interface MarketplaceOptions {
  readonly store: Store
  readonly now: () => Date
  /** So many random bytes. */
  readonly random: (bytes: number) => Buffer
}

export function createMarketplace({ store, now, random }: MarketplaceOptions): Marketplace {
  const id = (prefix: string, bytes = 12) => `${prefix}_${random(bytes).toString('hex')}`

  async function answer(request: SandboxRequest): Promise<Answer> {
    const { operation, params } = route(request)
    const token = operation.anonymous ? '' : bearer(request)
    const body = await readBody(operation, request.body, now())
    // From here on nothing waits: a request is done as a whole before the next one.
    store.refresh()
    const records = recordsOf(store, params.integrationConfigurationId ?? '')
    if (!operation.anonymous) {
      const known = credentialsOf(records)
      const print = fingerprint(token)
      if (known[print] === 'revoked') throw new Refusal(403, 'This token has been revoked')
      if (known[print] === undefined) records.put({ ...known, [print]: 'live' }, 'credentials')
    }
    return handlers[operation.name]({ params, body, records, token, now: now(), id })
  }

  return {
    async handle(request) {
      const headers = { 'x-vercel-id': `sandbox1::${random(8).toString('hex')}`, date: now().toUTCString() }
      try {
        return { ...(await answer(request)), headers }
      } catch (error) {
        if (!(error instanceof Refusal)) throw error
        return { ...error.answer, headers }
      }
    },
  }
}

const routes = operations.map((operation) => ({ operation, template: operation.path.split('/') }))

function route({ method, path }: SandboxRequest): { operation: Operation; params: Record<string, string> } {
  const segments = path.split('/').map((segment) => {
    try {
      return decodeURIComponent(segment)
    } catch {
      throw new Refusal(400, 'The path is not valid percent-encoding')
    }
  })
  const found = routes.find(
    ({ operation, template }) =>
      operation.method === method &&
      template.length === segments.length &&
      template.every((part, index) => part.startsWith('{') || part === segments[index]),
  )
  if (!found) throw new Refusal(404, `No operation is ${method} ${path.slice(0, 200)}`)
  const params: Record<string, string> = {}
  found.template.forEach((part, index) => {
    if (!part.startsWith('{')) return
    const value = segments[index] ?? ''
    const problem = segmentProblem(value)
    if (problem) throw new Refusal(400, `${part.slice(1, -1)} ${problem}`)
    params[part.slice(1, -1)] = value
  })
  return { operation: found.operation, params }
}

function bearer({ authorization = '' }: SandboxRequest): string {
  const [, token] = /^Bearer (\S+)$/i.exec(authorization) ?? []
  if (token === undefined) throw new Refusal(401, 'The authorization header is not "Bearer <token>"')
  return token
}

/** The body with the SDK's field names, as the operation's own schema lets it through. */
async function readBody(operation: Operation, text: string | undefined, now: Date): Promise<unknown> {
  const { description } = await loadShape(operation)
  if (!description.body) {
    if (text) throw new Refusal(400, `${operation.id} takes no body`)
    return undefined
  }
  let value: unknown
  try {
    value = text ? JSON.parse(text) : {}
  } catch {
    throw new Refusal(400, 'The body is not JSON')
  }
  const context: Check = {
    // On the wire nothing is a reference any more.
    env: {},
    readFile: () => {
      throw new Error('the sandbox reads no files')
    },
    now,
    errors: [],
    warnings: [],
    secrets: [],
  }
  const names = wireNames.has(operation.name) && isObject(value) ? camel(value) : value
  const checked = check(description.body, names, [], context)
  const refuse = () => {
    const reasons = context.errors.map(({ path, message }) => `${formatPath(path)} ${message}`)
    throw new Refusal(400, reasons.join('; ').slice(0, 2000))
  }
  if (context.errors.length > 0) refuse()
  description.rules?.(checked as never, {
    error: (path, message) => context.errors.push({ path, message }),
    warn: () => {},
    now,
  })
  if (context.errors.length > 0) refuse()
  return JSON.parse(JSON.stringify(names))
}

/** The operations whose fields are spelled `client_secret` on the wire. */
const wireNames = new Set(['exchangeSsoToken', 'rotateInstallationCredential', 'revokeInstallationCredential'])

const camel = (fields: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name.replace(/_(\w)/g, (_, c: string) => c.toUpperCase()), value]),
  )
