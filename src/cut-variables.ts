// Finds variables of the environment that reach the action in part.
//
// Windows hands a process its variables whole. When the process asks for one by its name, Windows promises up to 32,767
// characters; a longer one may come back cut. Wine 8, which counts its bytes with 16 bits, returns the first 28,232 of
// 61,000 characters, without an error. So no length shows whether a text is complete, and neither does the end of a YAML
// text. What was returned is therefore compared with what the process was handed.
// See https://learn.microsoft.com/windows/win32/procthread/environment-variables
//
// Linux and macOS do not start a process with a variable that is too long, so the action does not run at all.

/** A clause that follows a variable whose text is only a part, with what to do; undefined if the text is whole. */
export type CutProblem = (name: string, text: string) => string | undefined

/** What holds a text of any length, by the variable of an input. In a payload, a reference to a file does. */
const alternatives: Readonly<Record<string, string>> = { INPUT_PAYLOAD: 'payload-file', INPUT_TOKENS: 'tokens-file' }

type ProcessReport = typeof process.report & { excludeNetwork: boolean }

/**
 * The variables that the process was handed, whole. Node has them in its diagnostic report only, which takes seconds
 * under Wine. See https://nodejs.org/api/report.html
 */
export function handedVariables(report = process.report as ProcessReport): Readonly<Record<string, string>> {
  const { excludeEnv, excludeNetwork } = report
  report.excludeEnv = false
  // Looking up the names of network addresses can take long.
  report.excludeNetwork = true
  try {
    return (report.getReport() as { environmentVariables: Record<string, string> }).environmentVariables
  } finally {
    // A report about a crash must have no variables if the workflow says so.
    Object.assign(report, { excludeEnv, excludeNetwork })
  }
}

/** @param handed  the variables that the process was handed; called at most once, and only if a text is in doubt */
export function findCutVariables(handed = handedVariables): CutProblem {
  let lengths: Map<string, number> | undefined
  return (name, text) => {
    // Windows ignores the case of names.
    lengths ??= new Map(Object.entries(handed()).map(([name, value]) => [name.toUpperCase(), value.length]))
    const length = lengths.get(name.toUpperCase())
    if (length !== undefined && text.length >= length) return undefined
    const alternative = alternatives[name] ?? '$file'
    return `arrived in part: Windows passes on at most 32,767 characters of a variable; write it to a file, and use \`${alternative}\``
  }
}
