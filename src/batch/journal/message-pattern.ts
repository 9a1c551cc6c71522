// The pattern of a message: what stays the same from record to record, and the values between that may differ, such as ids,
// times, amounts and quoted texts. Messages of one pattern have one cause.

/** A message as fixed texts with a value between each two of them. */
export interface MessagePattern {
  /** One more than there are values. */
  readonly fixed: readonly string[]
  readonly values: readonly string[]
}

const requestIds = / \(request [^()]*\)/g

/** A point in time or a duration as this action writes it, a quoted text, or a word with its punctuation. */
const tokens =
  /(\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z| UTC)|\d[\d.]* (?:ms|s|min|h)\b(?: \d+ (?:s|min)\b)?|"[^"]*"|[^\s"();]+)/

const wholeTime = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z| UTC)$/

/**
 * Finds the values of a message. It leaves out the ids of requests, because each record has its own.
 *
 * @param installation  counts as a value wherever it stands
 */
export function patternOf(text: string, installation?: string): MessagePattern {
  const fixed = ['']
  const values: string[] = []
  const addFixed = (part: string) => fixed.push(`${fixed.pop()}${part}`)
  const addValue = (value: string) => {
    values.push(value)
    fixed.push('')
  }
  // Every second part is a token.
  for (const [index, part] of text.replace(requestIds, '').split(tokens).entries()) {
    if (index % 2 === 0) addFixed(part)
    else if (part.startsWith('"')) {
      addFixed('"')
      addValue(part.slice(1, -1))
      addFixed('"')
    } else {
      const word = `${part.slice(0, -3)}${part.slice(-3).replace(/[.,:!?]+$/, '')}`
      if (/\d/.test(word) || (word !== '' && word === installation)) addValue(word)
      else addFixed(word)
      addFixed(part.slice(word.length))
    }
  }
  return { fixed, values }
}

/** Equal for messages of one pattern. */
export const patternKey = ({ fixed }: MessagePattern): string => fixed.join('\u0000')

/** What the messages of one pattern have in common. */
export class CommonMessage {
  readonly #fixed: readonly string[]
  /** Undefined where messages differ. */
  readonly #values: (string | undefined)[]
  /** Whether the later one of two times stands for both. */
  readonly #keepsLatest: boolean

  constructor({ fixed, values }: MessagePattern, { keepsLatest }: { readonly keepsLatest: boolean }) {
    this.#fixed = fixed
    this.#values = [...values]
    this.#keepsLatest = keepsLatest
  }

  /** Adds a message of the same pattern. */
  add({ values }: MessagePattern): void {
    for (const [index, value] of this.#values.entries()) {
      const other = values[index]
      if (value === undefined || value === other) continue
      const isLatest = this.#keepsLatest && other !== undefined && wholeTime.test(value) && wholeTime.test(other)
      this.#values[index] = isLatest ? [value, other].sort()[1] : undefined
    }
  }

  /** The message, with `…` where the messages differ. */
  get text(): string {
    return this.#fixed.map((part, index) => `${index > 0 ? (this.#values[index - 1] ?? '…') : ''}${part}`).join('')
  }
}
