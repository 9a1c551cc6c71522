// A model of Vercel for the batches of the model. It counts what it has really processed, by what it can see in a request,
// and independently of the code under test: amounts are whole units of 1/10,000.

import type { HttpRequest, HttpResponse } from '../../../src/http/transport.ts'
import type { Course } from './course.ts'

/** What happened to the requests of one class of records while one journal was kept. */
export interface Truth {
  /** How often it was done. */
  processed: number
  /** Requests that are still on their way, and will be processed later. */
  late: number
  /** Requests whose sender cannot know what happened to them, and those that were done. */
  risky: number
}

interface RefundableInvoice {
  state: string
  refunded: number
  reason: string | undefined
}

/** What each invoice of the model bills. */
export const invoiceUnits = 200_000

/** A decimal in units. */
export function unitsOf(amount: string): number {
  const [, sign = '', whole = '', fraction = ''] = /^(-?)(\d+)(?:\.(\d{1,4}))?$/.exec(amount) ?? []
  if (whole === '') throw new Error(`${JSON.stringify(amount)} is not an amount`)
  return Number(`${sign}${whole}${fraction.padEnd(4, '0')}`)
}

/** A response as Vercel sends it. */
export const answer = (status: number, body?: unknown): HttpResponse => ({
  status,
  headers: { 'x-vercel-id': 'iad1::model', ...(body !== undefined && { 'content-type': 'application/json' }) },
  text: body === undefined ? '' : JSON.stringify(body),
})

const decimal = (units: number) => (units / 10_000).toFixed(4)

const refuse = (status: number, code: string, message: string) => answer(status, { error: { code, message } })

interface ChargesBody {
  readonly externalId?: string
  readonly items: readonly { readonly name: string; readonly total: string }[]
  readonly discounts?: readonly { readonly amount: string }[]
  readonly test?: object
}

const balance = ({ items, discounts = [] }: ChargesBody) =>
  items.reduce((sum, { total }) => sum + unitsOf(total), 0) -
  discounts.reduce((sum, { amount }) => sum + unitsOf(amount), 0)

/** One entry for each class, by its name. */
export type Truths = Map<string, Truth>

export class VercelModel {
  /** The journals that were kept one after the other; the last one is in use. */
  readonly epochs: Truths[] = [new Map()]
  /** What was billed, refunded or reported while the last journal was kept, without test invoices. */
  units = 0
  /** What somebody else has refunded, by invoice. */
  readonly othersUnits = new Map<string, number>()
  /** What cannot have been right, whatever the client says about it. */
  readonly violations: string[] = []
  /** Called before a token is revoked. */
  onRevoke: (installation: string, token: string) => void = () => {}
  readonly #course: Course
  readonly #keys = new Set<string>()
  readonly #invoices = new Map<string, RefundableInvoice>()
  /** Tokens by installation; whether they are valid. */
  readonly #tokens = new Map<string, Map<string, boolean>>()
  /** Tokens with which an account was read. */
  readonly #verified = new Set<string>()
  #issued = 0

  constructor(course: Course) {
    this.#course = course
  }

  /** A new journal is begun. */
  startEpoch(): void {
    this.epochs.push(new Map())
    this.units = 0
  }

  get epoch(): Truths {
    return this.epochs.at(-1) as Truths
  }

  /** What somebody else has done before the batch. */
  addKey(installation: string, externalId: string): void {
    this.#keys.add(`${installation}/${externalId}`)
  }

  /** It does nothing if the invoice has not enough left. */
  addRefund(installation: string, invoiceId: string, reason: string, total: string): void {
    const name = `${installation}/${invoiceId}`
    const invoice = this.#invoice(name)
    const refunded = invoice.refunded + unitsOf(total)
    if (refunded > invoiceUnits) return
    Object.assign(invoice, { state: 'refunded', refunded, reason })
    this.othersUnits.set(name, (this.othersUnits.get(name) ?? 0) + unitsOf(total))
  }

  addToken(installation: string, token: string): void {
    this.#tokens.set(installation, new Map([[token, true]]))
  }

  isLive(installation: string, token: string | undefined): boolean {
    return token !== undefined && this.#tokens.get(installation)?.get(token) === true
  }

  /** Whether a token was used successfully after it was issued. */
  isVerified(token: string): boolean {
    return this.#verified.has(token)
  }

  /** The newest token of an installation. */
  newest(installation: string): string | undefined {
    return [...(this.#tokens.get(installation)?.keys() ?? [])].at(-1)
  }

  /** All tokens that were issued by now. */
  *issued(): Generator<string> {
    for (const tokens of this.#tokens.values()) yield* tokens.keys()
  }

  /**
   * The class of the records that a request can belong to. Two requests of one class look the same.
   *
   * @returns undefined for a request that only reads, and for one that completes a rotation
   */
  classOf({ method, url, body }: HttpRequest): string | undefined {
    if (method === 'GET' || url.pathname.endsWith('/revoke')) return undefined
    const [, , , installation = '', ...path] = url.pathname.split('/')
    if (path.at(-1) === 'rotate') return installation
    const content = JSON.parse(body ?? '{}')
    if (path.at(-1) === 'actions') return [installation, path[2], content.reason, content.total].join('/')
    const { externalId, items, billing } = content
    const isOwnKey = typeof externalId === 'string' && !externalId.startsWith('auto-')
    return `${installation}/${isOwnKey ? externalId : (items ?? billing.items)[0].name}`
  }

  truthOf(name: string, epoch = this.epoch): Truth {
    let truth = epoch.get(name)
    if (!truth) {
      truth = { processed: 0, late: 0, risky: 0 }
      epoch.set(name, truth)
    }
    return truth
  }

  /** Processes a request, and answers it. */
  readonly handle = (request: HttpRequest, epoch = this.epoch): HttpResponse => {
    const { method, url, headers, body } = request
    const [, , , installation = '', ...path] = url.pathname.split('/')
    const token = String(headers.authorization).slice('Bearer '.length)
    if (!this.isLive(installation, token)) return refuse(403, 'forbidden', 'Not authorized')
    const content = JSON.parse(body ?? '{}')
    const done = (units: number) => {
      this.truthOf(this.classOf(request) ?? '', epoch).processed++
      if (epoch === this.epoch) this.units += units
    }
    switch (path.at(-1)) {
      case 'invoices':
        return this.#submitInvoice(installation, content, done)
      case 'actions':
        return this.#refund(`${installation}/${path[2]}`, content, done)
      case 'billing':
        done(balance(content.billing))
        return answer(201)
      case 'rotate':
        done(0)
        return this.#rotate(installation)
      case 'revoke':
        return this.#revoke(installation, content.token)
      case 'account':
        this.#verified.add(token)
        return answer(200, { name: 'Acme', url: 'https://vercel.com/acme', contact: null })
      default:
        if (method !== 'GET') throw new Error(`${method} ${url.pathname} is not modelled`)
        return this.#read(`${installation}/${path[2]}`)
    }
  }

  #submitInvoice(installation: string, body: ChargesBody, done: (units: number) => void): HttpResponse {
    const { externalId, test } = body
    const key = `${installation}/${externalId}`
    if (externalId !== undefined && this.#keys.has(key)) {
      return refuse(409, 'conflict', `An invoice with the externalId ${externalId} already exists`)
    }
    this.#keys.add(key)
    done(test ? 0 : balance(body))
    return answer(200, { invoiceId: `inv_${this.#keys.size}`, ...(test && { test: true }) })
  }

  #invoice(name: string): RefundableInvoice {
    const invoice = this.#invoices.get(name) ?? { state: 'paid', refunded: 0, reason: undefined }
    this.#invoices.set(name, invoice)
    return invoice
  }

  #refund(
    name: string,
    { reason, total }: { reason: string; total: string },
    done: (units: number) => void,
  ): HttpResponse {
    const invoice = this.#invoice(name)
    const units = unitsOf(total)
    if (invoice.state === 'refund_requested') return refuse(409, 'conflict', 'A refund of this invoice is in progress')
    if (invoice.refunded + units > invoiceUnits) return refuse(400, 'bad_request', 'More than the total')
    const state = this.#course.isRefundGradual ? 'refund_requested' : 'refunded'
    Object.assign(invoice, { state, refunded: invoice.refunded + units, reason })
    done(units)
    return answer(204)
  }

  /** Answers with the state of an invoice, which then enters the next one. */
  #read(name: string): HttpResponse {
    const invoice = this.#invoice(name)
    const { state, refunded, reason } = invoice
    if (state === 'refund_requested') invoice.state = 'refunded'
    const isShown = refunded > 0 && !this.#course.hidesRefundTotal
    return answer(200, {
      invoiceId: 'inv',
      state,
      total: decimal(invoiceUnits),
      ...(isShown && { refundTotal: decimal(refunded) }),
      ...(reason !== undefined && { refundReason: reason }),
    })
  }

  #rotate(installation: string): HttpResponse {
    const token = `issued-${installation}-${++this.#issued}-secret`
    this.#tokens.get(installation)?.set(token, true)
    return answer(200, { access_token: token, token_type: 'Bearer', expires_in: 1, scope: 'installation' })
  }

  #revoke(installation: string, token: string): HttpResponse {
    const tokens = this.#tokens.get(installation) ?? new Map<string, boolean>()
    if (tokens.get(token) === false) return answer(200, { revoked: true, already_revoked: true })
    this.onRevoke(installation, token)
    tokens.set(token, false)
    return answer(200, { revoked: true, already_revoked: false })
  }
}
