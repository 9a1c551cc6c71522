// Recognises a batch file that is not NDJSON, so that it gets one error instead of one for each line.

import type { ByteSource } from './byte-source.ts'
import { readLines } from './lines.ts'

/** A path that needs no quotes in a shell. */
const plainPath = /^[\w./][\w./-]*$/

const yamlLine = /^(---|%YAML|#|- |[\w$"'-]+\s*:(\s|$))/
/** Two or more values without JSON's brackets, separated by commas, semicolons or tabs. */
const csvLine = /^[^,;\t{}[\]]+([,;\t][^,;\t{}[\]]*)+$/

/**
 * Recognises YAML, CSV and JSON over several lines by the first line of the file.
 *
 * @param source  the file
 * @param path        as the step gives it
 * @returns where and why the file is not NDJSON: a sentence that says how to convert it; undefined if it may be NDJSON
 */
export function formatProblem(
  source: ByteSource,
  path: string,
): { readonly line: number; readonly message: string } | undefined {
  const lines = readLines(source)
  const first = lines.next().value
  if (!first || !('text' in first)) return undefined
  const isOnlyLine = lines.next().done === true
  const message = formatMessage(first.text, path, isOnlyLine)
  return message === undefined ? undefined : { line: first.number, message }
}

function formatMessage(firstLine: string, path: string, isOnlyLine: boolean): string | undefined {
  const text = firstLine.trim()
  const fileName = plainPath.test(path) ? path : 'file'
  const expected = 'batch-file takes NDJSON (one JSON object per line)'
  const singleRequest = 'For one request use payload-file'
  if (text.startsWith('[')) {
    // A list on one of several lines is a mistake in that line.
    if (isJson(text) && !isOnlyLine) return undefined
    return `${path} looks like a JSON array; ${expected}. Convert it with: jq -c '.[]' ${fileName}`
  }
  if (isJson(text)) return undefined
  if (text === '{') {
    return `${path} looks like JSON over several lines; ${expected}. Convert it with: jq -c . ${fileName}. ${singleRequest}`
  }
  if (/\.ya?ml$/i.test(path) || yamlLine.test(text)) return `${path} looks like YAML; ${expected}. ${singleRequest}`
  if (/\.[ct]sv$/i.test(path) || csvLine.test(text))
    return `${path} looks like CSV; ${expected}. Convert each row to an object`
  return undefined
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
