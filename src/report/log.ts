// What a step prints: lines, warnings and errors. Nothing that passes here can start a workflow command, forge a line
// or show a secret.

import { debug, error, info, warning } from '@actions/core'
import type { Diagnostic } from '../failure.ts'
import { formatPath } from '../failure.ts'
import type { Secrets } from '../secrets.ts'

/** GitHub shows ten annotations of a kind for a step. */
const maxAnnotations = 10

export interface Log {
  /** One line. */
  readonly info: (line: string) => void
  /** One line that is shown where debug logging is on. */
  readonly debug: (line: string) => void
  readonly warn: (findings: readonly Diagnostic[], title: string) => void
  /** One annotation for each, ten at most and a count of the rest. */
  readonly fail: (findings: readonly Diagnostic[], title: string) => void
}

export function openLog(secrets: Secrets): Log {
  const safe = (text: string) => oneLine(secrets.scrub(text))
  const annotate = (command: typeof error) => (findings: readonly Diagnostic[], title: string) => {
    const shown = findings.length > maxAnnotations ? findings.slice(0, maxAnnotations - 1) : findings
    for (const finding of shown) command(safe(describeDiagnostic(finding)), properties(finding, title))
    if (shown.length < findings.length) command(`and ${findings.length - shown.length} more`, { title })
  }
  return {
    info: (line) => info(safe(line)),
    debug: (line) => debug(safe(line)),
    warn: annotate(warning),
    fail: annotate(error),
  }
}

/** A finding as a sentence that says where it stands. */
export function describeDiagnostic({ message, path = [], position, file }: Diagnostic): string {
  const subject = path.length > 0 ? `${formatPath(path)} ` : ''
  if (!position) return `${subject}${message}`
  const place = `line ${position.line}, column ${position.column}`
  return `${subject}${message} (${file ? `${file}, ` : ''}${place})`
}

const properties = ({ file, position }: Diagnostic, title: string) => ({
  title: oneLine(title),
  ...(file && { file: oneLine(file) }),
  ...(position && { startLine: position.line, startColumn: position.column }),
})

/**
 * Text on one line, with nothing in it that a terminal or the runner acts on: `::name::` starts a command where a line
 * begins, `##[name]` anywhere in it.
 */
export const oneLine = (text: string): string =>
  text
    .replace(/\s*\r?\n\s*/g, ' · ')
    .replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, ' ')
    .replaceAll('##[', '## [')
    .replace(/^\s*::/, ': :')
