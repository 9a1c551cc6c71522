// What a step prints: lines, warnings and errors. None of it can start a workflow command, forge a line or show a
// secret.

import { type Diagnostic, formatPath } from '../failure.ts'
import type { AnnotationProperties, Runner } from '../runtime.ts'
import type { Secrets } from '../secrets.ts'

/** GitHub shows ten annotations of each kind for a step. */
const maxAnnotations = 10

export interface Log {
  /** Prints one line. */
  readonly info: (line: string) => void
  /** Prints one line that is shown if debug logging is on. */
  readonly debug: (line: string) => void
  readonly warn: (diagnostics: readonly Diagnostic[], title: string) => void
  /** Writes one annotation for each, ten at most with a count of the rest. */
  readonly fail: (diagnostics: readonly Diagnostic[], title: string) => void
}

/** Opens the log of a step, which redacts what it prints. */
export function openLog(
  runner: Pick<Runner, 'info' | 'debug' | 'error' | 'warning'>,
  secrets: Pick<Secrets, 'scrub'>,
  platform: NodeJS.Platform = process.platform,
): Log {
  const safe = (text: string) => oneLine(secrets.scrub(text))
  const propertiesOf = ({ file, position }: Diagnostic, title: string): AnnotationProperties => ({
    title: safe(title),
    // GitHub compares the path with those of the repository, which have slashes.
    ...(file && { file: safe(platform === 'win32' ? file.replaceAll('\\', '/') : file) }),
    ...(position && { startLine: position.line, startColumn: position.column }),
  })
  const annotate = (command: Runner['error']) => (diagnostics: readonly Diagnostic[], title: string) => {
    const shown = diagnostics.length > maxAnnotations ? diagnostics.slice(0, maxAnnotations - 1) : diagnostics
    for (const diagnostic of shown) command(safe(describeDiagnostic(diagnostic)), propertiesOf(diagnostic, title))
    if (shown.length < diagnostics.length)
      command(`and ${diagnostics.length - shown.length} more`, { title: safe(title) })
  }
  return {
    info: (line) => runner.info(safe(line)),
    debug: (line) => runner.debug(safe(line)),
    warn: annotate(runner.warning),
    fail: annotate(runner.error),
  }
}

/** A diagnostic as a sentence that says where the problem is. */
export function describeDiagnostic({ message, path = [], position, file }: Diagnostic): string {
  const subject = path.length > 0 ? `${formatPath(path)} ` : ''
  if (!position) return `${subject}${message}`
  const place = `line ${position.line}, column ${position.column}`
  return `${subject}${message} (${file ? `${file}, ` : ''}${place})`
}

/** Control, bidirectional and zero-width characters, line separators, halves of characters, and letters without ink. */
const invisibleChars = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0]|\u034f/gu

/**
 * Returns text as one line, in which a terminal and the runner see no command: `::name::` is one at the start of a line,
 * `##[name]` anywhere. Line breaks become ` · `, other invisible characters become spaces. The time is linear.
 * See https://docs.github.com/actions/reference/workflow-commands-for-github-actions
 */
export const oneLine = (text: string): string =>
  joinLines(text)
    .replace(invisibleChars, ' ')
    .replaceAll('##[', '## [')
    .replace(/^\s*::/, ': :')

/** Line by line: a pattern for blanks around a line break takes quadratic time where there are many blanks. */
function joinLines(text: string): string {
  const lines = text.split('\n')
  const last = lines.length - 1
  if (last === 0) return text
  return lines
    .map((line, index) => (index === 0 ? line.trimEnd() : index === last ? line.trimStart() : line.trim()))
    .filter((line, index) => line !== '' || index === 0 || index === last)
    .join(' · ')
}
