// The checksums of a journal's lines. Each covers its own line and all lines before it, so that a line that was changed,
// removed, inserted or moved does not fit. CRC-32 finds every change of up to four bytes in a row, and takes one to two
// microseconds. It protects against accidents: whoever wants to forge a journal can compute checksums too.
//
// What it cannot notice: complete lines that are missing at the end (a killed run ends like that), and lines that an
// earlier version of this action wrote without checksums, up to the next run of this version.

import { crc32 } from 'node:zlib'

/** What follows the other fields of a line. */
const sealTemplate = ',"crc":"________"}'
const sealStart = ',"crc":"'
/** How many characters of a seal are fixed or hexadecimal in a line of which a few bytes were changed. */
const minSealMatches = 16

/** Eight hexadecimal digits of a number below 2³². */
const formatChecksum = (checksum: number) => (checksum + 2 ** 32).toString(16).slice(1)

/** What a line's checksum says. */
export type Seal = 'valid' | 'wrong' | 'missing'

/** Computes the checksums of consecutive lines. */
export class LineChain {
  #state = 0

  /** Adds a checksum to the JSON of an object that is not empty. */
  seal(json: string): string {
    const fields = json.slice(0, -1)
    this.add(fields)
    return `${fields}${sealStart}${formatChecksum(this.#state)}"}`
  }

  /** Compares the checksum of a line. A line without one does not count yet: `add` it. */
  check(line: string): Seal {
    const start = line.length - sealTemplate.length
    if (!line.startsWith(sealStart, start) || !line.endsWith('"}')) return endsWithSeal(line) ? 'wrong' : 'missing'
    this.add(line.slice(0, start))
    return Number.parseInt(line.slice(-10, -2), 16) === this.#state ? 'valid' : 'wrong'
  }

  /** Adds a line without a checksum, which counts for the checksums of later lines. */
  add(text: string): void {
    this.#state = crc32(text, this.#state)
  }
}

/** A line of a killed process that lacks only its last bracket counts as complete: it cannot be told from a damaged one. */
export const completeLine = (line: string): string =>
  line.endsWith('"') && line.startsWith(sealStart, line.length - sealTemplate.length + 1) ? `${line}}` : line

/** Whether a line ends with a checksum, even if some bytes of it were changed: then the line was written completely. */
export function endsWithSeal(line: string): boolean {
  const end = line.slice(-sealTemplate.length)
  let matches = 0
  for (let index = 0; index < sealTemplate.length; index++) {
    const expected = sealTemplate[index]
    if (expected === '_' ? /[0-9a-f]/.test(end[index] ?? '') : end[index] === expected) matches++
  }
  return matches >= minSealMatches
}
