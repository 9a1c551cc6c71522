// Asks Vercel for one invoice.

import type { Tokens } from '../../credentials/tokens.ts'
import { type DeliveryOptions, deliver } from '../../delivery/deliver.ts'
import { parseBody, requestId } from '../../delivery/response.ts'
import type { Limits } from '../../delivery/retry.ts'
import { quote } from '../../format.ts'
import type { HttpResponse } from '../../http/transport.ts'
import type { Operation } from '../../operations/operation.ts'
import { isObject } from '../../payload/schema.ts'
import { RecordScrubber } from '../sending/prepared-record.ts'
import type { Slot } from '../sending/slot.ts'
import { type SlotDelivery, slotDeliveryOptions } from '../sending/slot-delivery.ts'
import { decimalOf, type TrackedInvoice } from './tracked-invoice.ts'

export interface InvoiceReaderOptions extends SlotDelivery {
  /** getInvoice. */
  readonly operation: Operation
  readonly tokens: Tokens
  /** For installations that `tokens` does not have. */
  readonly defaultToken: string | undefined
  /** Secrets that belong to no installation. */
  readonly extraSecrets: readonly string[]
}

/** What was read of an invoice. */
export interface InvoiceAnswer {
  readonly row: TrackedInvoice
  /** Whether another attempt would fail in the same way: Vercel refused the request, or there is no token. */
  readonly isRefused: boolean
}

/** Reads invoices. Nothing but getInvoice is sent. */
export class InvoiceReader {
  readonly #options: InvoiceReaderOptions
  readonly #scrubber: RecordScrubber

  constructor(options: InvoiceReaderOptions) {
    this.#options = options
    this.#scrubber = new RecordScrubber(options.extraSecrets)
  }

  /**
   * Reads an invoice with a slot of the limiter. It throws for nothing that the network or Vercel does.
   *
   * @returns undefined if it was not read because the tracking ends
   */
  async read(row: TrackedInvoice, slot: Slot, limits: Limits): Promise<InvoiceAnswer | undefined> {
    const { limiter, tokens, defaultToken, signal } = this.#options
    const token = tokens.get(row.installation) ?? defaultToken
    if (token === undefined) {
      return { row: { ...row, status: 'unreadable', ...noToken(row), at: this.#now() }, isRefused: true }
    }
    const delivery = await deliver(this.#deliveryOptions(row, token, slot, limits))
    const { failure, response } = delivery
    if (failure && (signal.aborted || limiter.givenUp)) return undefined
    const scrub = (text: string) => this.#scrubber.scrub(text, { token })
    const unreadable = (code: string, message: string): TrackedInvoice => ({
      ...row,
      status: 'unreadable',
      code: scrub(code),
      message: scrub(message),
      ...this.#answerFields(response, scrub),
    })
    if (failure) {
      return { row: unreadable(failure.errorCode, failure.text), isRefused: isRefusal(response) }
    }
    const invoice = response && parseBody(response)
    const problem = answerProblem(invoice, row)
    if (problem) return { row: unreadable('no_invoice', problem), isRefused: false }
    return { row: this.#readRow(row, invoice as AnsweredInvoice, response, scrub), isRefused: false }
  }

  #readRow(
    row: TrackedInvoice,
    invoice: AnsweredInvoice,
    response: HttpResponse | undefined,
    scrub: (text: string) => string,
  ): TrackedInvoice {
    const { code: _, message: __, ...known } = row
    const text = (value: unknown) => (typeof value === 'string' && value !== '' ? scrub(value) : undefined)
    return {
      ...known,
      ...given({
        externalId: row.externalId ?? text(invoice.externalId),
        invoiceNumber: text(invoice.invoiceNumber),
        amount: decimalOf(invoice.total),
        refunded: decimalOf(invoice.refundTotal),
        invoiceDate: text(invoice.invoiceDate),
      }),
      ...(invoice.test === true && { test: true as const }),
      status: invoice.state,
      ...this.#answerFields(response, scrub),
    }
  }

  #answerFields(
    response: HttpResponse | undefined,
    scrub: (text: string) => string,
  ): Pick<TrackedInvoice, 'at' | 'httpStatus' | 'requestId'> {
    const id = response && requestId(response)
    return {
      at: this.#now(),
      ...(response && { httpStatus: response.status }),
      ...(id && { requestId: scrub(id) }),
    }
  }

  #now(): string {
    return this.#options.clock.now().toISOString()
  }

  #deliveryOptions(row: TrackedInvoice, token: string, slot: Slot, limits: Limits): DeliveryOptions {
    const { operation } = this.#options
    const params = { integrationConfigurationId: row.installation, invoiceId: row.invoiceId ?? '' }
    return slotDeliveryOptions(this.#options, {
      request: { operation, params, body: undefined, redacted: () => undefined },
      token,
      slot,
      limits,
      line: row.line,
      scrub: (text) => this.#scrubber.scrub(text, { token }),
    })
  }
}

interface AnsweredInvoice {
  readonly state: string
  readonly [field: string]: unknown
}

/** Why a response does not tell the state of the invoice, if it does not. */
function answerProblem(answer: unknown, { invoiceId }: TrackedInvoice): string | undefined {
  if (!isObject(answer)) return 'The response to getInvoice is not an invoice. Check `api-url`'
  if (typeof answer.state !== 'string' || !/^[\w-]{1,40}$/.test(answer.state)) {
    return 'The response to getInvoice has no state. Read the invoice at Vercel'
  }
  if (typeof answer.invoiceId === 'string' && answer.invoiceId !== invoiceId) {
    return `The response to getInvoice is about the invoice ${quote(answer.invoiceId)}. Check \`api-url\``
  }
  return undefined
}

const noToken = ({ installation }: TrackedInvoice) => ({
  code: 'token_missing',
  message: `The installation ${quote(installation)} has no token: add it to \`tokens\` or \`tokens-file\`, or set \`token\``,
})

/** Whether a failure is that Vercel refused to show the invoice. Other failures pass by themselves. */
const isRefusal = (response: HttpResponse | undefined): boolean =>
  response !== undefined && response.status < 500 && ![408, 429].includes(response.status)

const given = <T extends Record<string, string | undefined>>(fields: T) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    readonly [K in keyof T]?: string
  }
