// The report of a batch: of its plan while it is checked, or of its records once it has run.

import { closeSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Diagnostic, Failure, toFailure } from '../../failure.ts'
import type { Operation } from '../../operations/operation.ts'
import { mask } from '../../secrets.ts'
import { openForReading } from '../journal/read-journal.ts'
import { type BatchFile, rereadRecord } from '../records/batch-file.ts'
import { readLines } from '../records/lines.ts'
import { type BatchRecord, type Identity, recordKey } from '../records/record.ts'
import { isInShard, type Shard } from '../records/shard.ts'
import { JournalIndex } from './journal-index.ts'
import { RecordKeys } from './record-keys.ts'
import { openReport, type ReportRow, type ReportWriter } from './report-file.ts'
import { columnsOf, journaledRow, unsentRow } from './rows.ts'

/** More rows take so long that a cancelled step would be killed before it has reported anything. */
const maxRowsAfterCancel = 20_000

export interface BatchReportOptions {
  readonly operation: Operation
  /** The input `report-file`. */
  readonly reportFile: string
  /** Files that the report must not replace, as the step gives them: by the name of their input. */
  readonly otherFiles: Readonly<Record<string, string | undefined>>
  /** The input `external-id`. */
  readonly externalId: string
  readonly shard: Shard
  readonly dryRun: boolean
  readonly workspace: string
  /** Removes the secrets of the step from a text. */
  readonly scrub: (text: string) => string
}

/** Writes the report of a batch. */
export class BatchReporter {
  readonly #options: BatchReportOptions
  readonly #report: ReportWriter
  readonly #keys = new RecordKeys()

  /** @throws {Failure} if the report cannot be written, or would replace another file of the step */
  constructor(options: BatchReportOptions) {
    const { operation, workspace, reportFile, scrub } = options
    this.#options = options
    requireOwnFile(options)
    this.#report = openReport({ workspace, path: reportFile }, columnsOf(operation), scrub)
  }

  /** Adds a record that was checked. The report of a plan has the records of all shards, that of a run those of its own. */
  add(record: BatchRecord, identity: Identity): void {
    const { dryRun, externalId, shard } = this.#options
    if (dryRun) this.#report.write(unsentRow(record, 'planned', externalId))
    else if (isInShard(shard, record.installation)) this.#keys.add(record.line, recordKey(identity))
  }

  /** Ends the report of a plan. @returns its path */
  finishPlan(): string {
    return this.#report.commit()
  }

  /**
   * Writes what the journal knows of each record, in the order of the file.
   *
   * @returns the path of the report
   * @throws {Failure} if it cannot be written, or the journal cannot be read
   */
  finishRun(journalFile: string, file: BatchFile): string {
    const descriptor = openForReading(journalFile)
    try {
      const index = new JournalIndex(descriptor)
      const lines = readLines(file.source)
      for (const { line, hash } of this.#keys) {
        const record = index.take(hash)
        if (record) this.#report.write(this.#withoutToken(journaledRow(record, line), file))
        else this.#writeNotStarted(line, lines, file)
      }
      return this.#report.commit()
    } finally {
      closeSync(descriptor)
    }
  }

  /** How many rows the report of a run has. */
  get rows(): number {
    return this.#keys.count
  }

  /** Deletes what was written, unless the report is finished. */
  discard(): void {
    this.#report.discard()
  }

  /** Tokens of a file are not known to the step as secrets. */
  #withoutToken(row: ReportRow, { context }: BatchFile): ReportRow {
    const { id, installation, externalId } = row
    const token = context.tokens.get(String(installation)) ?? context.defaultToken
    if (token === undefined || ![id, installation, externalId].some((cell) => String(cell).includes(token))) return row
    const cells = Object.entries(row).map(([name, cell]) => [
      name,
      typeof cell === 'string' ? cell.replaceAll(token, mask) : cell,
    ])
    return Object.fromEntries(cells) as ReportRow
  }

  /** @param lines  of the batch file, read up to an earlier line */
  #writeNotStarted(number: number, lines: ReturnType<typeof readLines>, file: BatchFile): void {
    for (let line = lines.next().value; line; line = lines.next().value) {
      if (line.number < number) continue
      const record = 'text' in line ? rereadRecord(line, file) : undefined
      const status = 'not started'
      this.#report.write(record ? unsentRow(record, status, this.#options.externalId) : { line: number, status })
      return
    }
  }
}

/** What a batch is given that its report depends on. */
export interface ReportInputs extends Pick<BatchReportOptions, 'operation' | 'externalId' | 'shard' | 'dryRun'> {
  readonly reportFile: string | undefined
  readonly path: string
  readonly tokensFile: string | undefined
  readonly newTokensFile: string | undefined
}

/**
 * Opens the report of a batch before anything is sent.
 *
 * @returns undefined if there is to be no report
 * @throws {Failure} if the report cannot be written, or would replace another file of the step
 */
export function openReporter(
  { operation, reportFile, externalId, shard, dryRun, path, tokensFile, newTokensFile }: ReportInputs,
  { workspace, scrub }: Pick<BatchReportOptions, 'workspace' | 'scrub'>,
  journalFile: string,
): BatchReporter | undefined {
  if (reportFile === undefined) return undefined
  const otherFiles = {
    'batch-file': path,
    'journal-file': journalFile,
    'tokens-file': tokensFile,
    'new-tokens-file': newTokensFile,
  }
  return new BatchReporter({ operation, reportFile, otherFiles, externalId, shard, dryRun, workspace, scrub })
}

/**
 * Writes the report of a run. It does not throw: what was sent must be reported, whether there is a report file or not.
 *
 * @param journalFile  undefined if the batch ended before it had a journal
 */
export function reportRun(
  reporter: BatchReporter | undefined,
  {
    journalFile,
    file,
    signal,
  }: {
    readonly journalFile: string | undefined
    readonly file: BatchFile
    readonly signal: AbortSignal
  },
): { readonly reportFile?: string; readonly problems: readonly Diagnostic[] } {
  if (!reporter || journalFile === undefined) return { problems: [] }
  const elsewhere = `The journal has all outcomes: ${journalFile}`
  if (signal.aborted && reporter.rows > maxRowsAfterCancel) {
    return { problems: [{ message: `The step was cancelled, so \`report-file\` was not written. ${elsewhere}` }] }
  }
  try {
    return { reportFile: reporter.finishRun(journalFile, file), problems: [] }
  } catch (error) {
    return { problems: [{ message: `${toFailure(error).text}. ${elsewhere}` }] }
  }
}

/** @throws {Failure} if the report would replace a file that the step reads or writes */
function requireOwnFile({ reportFile, otherFiles, workspace }: BatchReportOptions): void {
  const identityOf = (path: string) => {
    const stats = statSync(resolve(workspace, path), { throwIfNoEntry: false })
    return stats ? `${stats.dev}:${stats.ino}` : resolve(workspace, path)
  }
  for (const [input, path] of Object.entries(otherFiles)) {
    if (path === undefined || identityOf(path) !== identityOf(reportFile)) continue
    const message = `Input \`report-file\` is the file of \`${input}\`, which the report would replace: give another path`
    throw new Failure('invalid_input', message, { diagnostics: [{ message }] })
  }
}
