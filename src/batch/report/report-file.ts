// Writes the table of the input `report-file`: CSV, or NDJSON if the path ends with .ndjson or .jsonl.

import { closeSync, fchmodSync, fsyncSync, openSync, rmSync, statSync, writeSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { Failure } from '../../failure.ts'
import { fileNameProblem } from '../../file-fix.ts'
import { quotePath } from '../../format.ts'
import { makeFolder } from '../../make-folder.ts'
import { removeTemporary, replaceFile } from '../../replace-file.ts'

/** All columns, in their order. */
export const reportColumns = [
  'line',
  'id',
  'installation',
  'externalId',
  'invoiceId',
  'invoiceNumber',
  'status',
  'amount',
  'refunded',
  'at',
  'code',
  'message',
  'httpStatus',
  'requestId',
] as const

export type ReportColumn = (typeof reportColumns)[number]

/** What a report says about a record. Missing values are empty cells. */
export type ReportRow = Readonly<Partial<Record<ReportColumn, string | number | undefined>>>

export interface ReportWriter {
  /** @throws {Failure} if the file cannot be written */
  readonly write: (row: ReportRow) => void
  /**
   * Replaces the file at the path of the report.
   *
   * @returns its absolute path
   * @throws {Failure} if the file cannot be written
   */
  readonly commit: () => string
  /** Deletes what was written. It does nothing after `commit`. */
  readonly discard: () => void
}

/** How much text is written at once. */
const maxBufferedChars = 1 << 17

/**
 * Starts a report. It is written to a temporary file beside the path, with mode 0600, because it names customers.
 *
 * @param path  relative to the workspace, as the step gives it
 * @param columns  those that the report has
 * @param scrub  removes secrets from a text
 * @throws {Failure} if the file cannot be written
 */
export function openReport(
  { workspace, path }: { readonly workspace: string; readonly path: string },
  columns: readonly ReportColumn[],
  scrub: (text: string) => string,
): ReportWriter {
  const absolutePath = resolve(workspace, path)
  // The name is always the same, so that the next run replaces the temporary file of a killed one.
  const temporaryPath = `${absolutePath}.vercel-marketplace.tmp`
  const rowText = /\.(ndjson|jsonl)$/i.test(path) ? ndjsonRow : csvRow
  const buffered: string[] = []
  let bufferedChars = 0
  let descriptor: number | undefined

  const close = () => {
    closeSync(descriptor as number)
    descriptor = undefined
  }
  const discard = () => {
    if (descriptor === undefined) return
    close()
    removeTemporary(temporaryPath)
  }
  const orFail = <T>(act: () => T): T => {
    try {
      return act()
    } catch (error) {
      discard()
      throw reportFailed(path, (error as Error).message)
    }
  }
  const flush = () => {
    const bytes = Buffer.from(buffered.join(''))
    buffered.length = 0
    bufferedChars = 0
    for (let written = 0; written < bytes.length; ) written += writeSync(descriptor as number, bytes, written)
  }
  const append = (line: string) => {
    buffered.push(line)
    bufferedChars += line.length
    if (bufferedChars >= maxBufferedChars) flush()
  }

  orFail(() => {
    const problem = fileNameProblem(path)
    if (problem) throw new Error(problem)
    const stats = statSync(absolutePath, { throwIfNoEntry: false })
    if (stats && !stats.isFile()) throw new Error('it is not a regular file')
    makeFolder(dirname(absolutePath))
    rmSync(temporaryPath, { force: true })
    descriptor = openSync(temporaryPath, 'wx', 0o600)
    // The umask applies to the mode in `openSync`, but not to this one.
    fchmodSync(descriptor, 0o600)
    if (rowText === csvRow) append(`${columns.join(',')}\r\n`)
    flush()
  })
  return {
    write: (row) => orFail(() => append(rowText(columns, scrubbed(row, scrub)))),
    commit: () =>
      orFail(() => {
        flush()
        fsyncSync(descriptor as number)
        close()
        try {
          replaceFile(temporaryPath, absolutePath)
        } catch (error) {
          removeTemporary(temporaryPath)
          throw error
        }
        return absolutePath
      }),
    discard,
  }
}

const reportFailed = (path: string, reason: string) =>
  new Failure('report_failed', `\`report-file\` ${quotePath(path, 200)} cannot be written: ${reason}`, {
    hint: 'Give a path in a folder that can be written, and free disk space',
  })

/** A row without secrets. Its texts are searched together, because nearly no row has one. */
function scrubbed(row: ReportRow, scrub: (text: string) => string): ReportRow {
  const text = Object.values(row).join('\n')
  if (scrub(text) === text) return row
  const cells = Object.entries(row).map(([name, value]) => [name, typeof value === 'string' ? scrub(value) : value])
  return Object.fromEntries(cells) as ReportRow
}

/** A row as RFC 4180 has it. See https://www.rfc-editor.org/rfc/rfc4180 */
const csvRow = (columns: readonly ReportColumn[], row: ReportRow): string =>
  `${columns.map((column) => csvCell(row[column])).join(',')}\r\n`

/** Spreadsheets take a cell that begins with one of these for a formula. See https://owasp.org/www-community/attacks/CSV_Injection */
const formulaStart = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/
const plainNumber = /^-?\d+(\.\d+)?$/

function csvCell(value: string | number = ''): string {
  const cell = String(value)
  const text = formulaStart.test(cell) && !plainNumber.test(cell) ? `'${cell}` : cell
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

const ndjsonRow = (columns: readonly ReportColumn[], row: ReportRow): string =>
  `${JSON.stringify(Object.fromEntries(columns.map((column) => [column, row[column]])))}\n`
