// The checksums of a journal's lines. Each covers its own line and all lines before it, so that a line that was changed,
// removed, inserted or moved does not fit. CRC-32 finds every change of up to four bytes in a row, and takes one to two
// microseconds. It protects against accidents: whoever wants to forge a journal can compute checksums too.
//
// What it cannot notice: complete lines that are missing at the end (a killed run ends like that), and lines that an
// earlier version of this action wrote without checksums, up to the next run of this version.

import { crc32 } from 'node:zlib'

/** What follows the other fields of a line: `,"crc":"0a1b2c3d"}`. */
const sealPattern = /,"crc":"([0-9a-f]{8})"\}$/
const sealTemplate = ',"crc":"________"}'
/** So many characters of a seal are fixed or hexadecimal in a line of which a few bytes were changed. */
const minSealMatches = 16

const format = (checksum: number) => checksum.toString(16).padStart(8, '0')

/** A line without its checksum. */
export interface OpenedLine {
  readonly text: string
  readonly seal: 'valid' | 'wrong' | 'missing'
}

/** Computes the checksums of consecutive lines. */
export class LineChain {
  #state = 0

  /** Adds a checksum to the JSON of an object that is not empty. */
  seal(json: string): string {
    const fields = json.slice(0, -1)
    this.add(fields)
    return `${fields},"crc":"${format(this.#state)}"}`
  }

  /** Removes the checksum of a line, and compares it. A line that lacks only its last bracket counts as complete. */
  open(line: string): OpenedLine {
    const end = line.endsWith('"') ? `${line.slice(1 - sealTemplate.length)}}` : line.slice(-sealTemplate.length)
    const [seal, checksum] = sealPattern.exec(end) ?? []
    if (seal === undefined) return { text: line, seal: endsWithSeal(line) ? 'wrong' : 'missing' }
    const fields = line.slice(0, line.lastIndexOf(',"crc":"'))
    this.add(fields)
    return { text: `${fields}}`, seal: format(this.#state) === checksum ? 'valid' : 'wrong' }
  }

  /** Adds a line without a checksum, which counts for the checksums of later lines. */
  add(text: string): void {
    this.#state = crc32(text, this.#state)
  }
}

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
