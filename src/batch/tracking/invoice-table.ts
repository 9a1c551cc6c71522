// The invoices that are tracked, in a temporary file, because there may be millions. Memory holds 13 bytes for each: where
// its latest row is in the file, and whether to ask for it again.

import { closeSync, mkdtempSync, openSync, readSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Failure } from '../../failure.ts'
import { removeTemporary } from '../../replace-file.ts'
import type { TrackedInvoice } from './tracked-invoice.ts'

const maxBufferedBytes = 1 << 18
const windowBytes = 1 << 16

/** Rows by index, from 0 in the order in which they were added. A row that was removed leaves a gap. */
export class InvoiceTable {
  readonly #folder: string
  readonly #descriptor: number
  #offsets = new Float64Array(1024)
  /** In bytes; 0 if the row was removed. */
  #lengths = new Uint32Array(1024)
  #pending = new Uint8Array(1024)
  #size = 0
  #count = 0
  #pendingCount = 0
  /** A part of the file. */
  #window = Buffer.alloc(0)
  #windowStart = 0
  #buffer: Buffer[] = []
  #bufferedBytes = 0
  #writtenBytes = 0

  /**
   * Creates a table.
   *
   * @param folder  for its file, which nobody else can read and which `close` deletes
   * @throws {Failure} if the file cannot be created
   */
  constructor(folder = tmpdir()) {
    try {
      this.#folder = mkdtempSync(join(folder, 'vercel-marketplace-'))
      this.#descriptor = openSync(join(this.#folder, 'invoices.ndjson'), 'wx+', 0o600)
    } catch (error) {
      throw tableFailure('created', error)
    }
  }

  /** The index of the next row. */
  get size(): number {
    return this.#size
  }

  /** How many rows there are, without those that were removed. */
  get count(): number {
    return this.#count
  }

  /** How many rows are pending. */
  get pendingCount(): number {
    return this.#pendingCount
  }

  /** @returns the row's index */
  add(row: TrackedInvoice): number {
    const index = this.#size++
    this.#count++
    if (index === this.#lengths.length) this.#grow()
    this.set(index, row)
    return index
  }

  set(index: number, row: TrackedInvoice): void {
    const bytes = Buffer.from(JSON.stringify(row))
    this.#offsets[index] = this.#writtenBytes + this.#bufferedBytes
    this.#lengths[index] = bytes.length
    this.#buffer.push(bytes)
    this.#bufferedBytes += bytes.length
    if (this.#bufferedBytes >= maxBufferedBytes) this.#flush()
  }

  remove(index: number): void {
    this.setPending(index, false)
    if (this.#lengths[index] !== 0) this.#count--
    this.#lengths[index] = 0
  }

  /** @returns undefined if the row was removed */
  get(index: number): TrackedInvoice | undefined {
    const length = this.#lengths[index] ?? 0
    if (length === 0) return undefined
    const offset = this.#offsets[index] ?? 0
    if (offset + length > this.#writtenBytes) this.#flush()
    const start = offset - this.#windowStart
    if (start < 0 || start + length > this.#window.length)
      return JSON.parse(this.#readWindow(offset, length).toString())
    return JSON.parse(this.#window.toString('utf8', start, start + length))
  }

  /** Whether to ask for the invoice, or to ask again. */
  isPending(index: number): boolean {
    return this.#pending[index] === 1
  }

  setPending(index: number, isPending: boolean): void {
    if (this.isPending(index) === isPending) return
    this.#pending[index] = isPending ? 1 : 0
    this.#pendingCount += isPending ? 1 : -1
  }

  *pendingIndexes(): Generator<number> {
    for (let index = 0; index < this.#size; index++) if (this.isPending(index)) yield index
  }

  /** All rows that were not removed, in order. */
  *rows(): Generator<readonly [index: number, row: TrackedInvoice]> {
    for (let index = 0; index < this.#size; index++) {
      const row = this.get(index)
      if (row) yield [index, row]
    }
  }

  close(): void {
    closeSync(this.#descriptor)
    removeTemporary(this.#folder, { recursive: true })
  }

  /** Reads a row and what follows it: rows are mostly read in order, and what is in the file does not change. */
  #readWindow(offset: number, length: number): Buffer {
    const window = Buffer.allocUnsafe(Math.max(length, windowBytes))
    const read = readSync(this.#descriptor, window, 0, window.length, offset)
    this.#window = window.subarray(0, read)
    this.#windowStart = offset
    return this.#window.subarray(0, length)
  }

  #flush(): void {
    const bytes = Buffer.concat(this.#buffer)
    try {
      for (let written = 0; written < bytes.length; ) {
        const position = this.#writtenBytes + written
        written += writeSync(this.#descriptor, bytes, written, bytes.length - written, position)
      }
    } catch (error) {
      throw tableFailure('written', error)
    }
    this.#writtenBytes += bytes.length
    this.#buffer = []
    this.#bufferedBytes = 0
  }

  #grow(): void {
    const capacity = this.#size * 2
    const grown = <T extends Float64Array | Uint32Array | Uint8Array>(larger: T, array: T) => {
      larger.set(array)
      return larger
    }
    this.#offsets = grown(new Float64Array(capacity), this.#offsets)
    this.#lengths = grown(new Uint32Array(capacity), this.#lengths)
    this.#pending = grown(new Uint8Array(capacity), this.#pending)
  }
}

const tableFailure = (what: string, cause: unknown) =>
  new Failure('output_failed', `The temporary file of the invoices cannot be ${what}: ${(cause as Error).message}`, {
    hint: 'Free disk space in RUNNER_TEMP, then run the step again: it only reads invoices',
    cause,
  })
