// Groups failures by what went wrong, so that a summary shows each cause once, however many records it has.

import type { OutcomeEvent } from './journal-format.ts'

/** What went wrong with a record that is not done. */
export type OpenOutcome = Pick<OutcomeEvent, 'code' | 'httpStatus' | 'message' | 'hint' | 'installation' | 'line'> & {
  readonly event: 'failed' | 'unknown'
}

/** What the failures of a group have in common. */
interface Cause {
  readonly event: 'failed' | 'unknown'
  readonly code: string
  readonly httpStatus: number | undefined
  /** What went wrong. If the group has several records, `…` stands for what differs between them. */
  readonly message: string
  /** What to do about it; empty if the journal does not say. */
  readonly hint: string
}

/** Failures that went wrong alike. */
export interface FailureGroup extends Cause {
  readonly count: number
  /** The first lines of its records, in ascending order. */
  readonly lines: readonly number[]
  /** The installation of a group's only record. */
  readonly installation: string | undefined
}

interface CountedCause {
  readonly cause: Cause
  /** The first record of the group. */
  readonly first: Pick<OpenOutcome, 'installation' | 'line'> & Pick<Cause, 'message' | 'hint'>
  /** Whether the group's records have different messages. */
  readonly isVarious: boolean
  count: number
}

/** More causes are merged by their code and status, and more codes into one group. */
const [maxCauses, maxCodes] = [500, 700]

/** How much of a message is kept and compared. */
const maxComparedChars = 2000

/**
 * Removes what differs between the records of one failure: request ids, quoted texts, and words with digits, such as ids,
 * times and amounts. Numbers of up to three digits, such as a status, stay.
 */
export const generalize = (text: string): string =>
  text
    .replace(/ \(request [^()]*\)/g, '')
    .replace(/"[^"]*"/g, '"…"')
    .replace(/[^\s"(),;…]+/g, (word) => {
      const end = /[.:!?]*$/.exec(word.slice(-3))?.[0] ?? ''
      const core = word.slice(0, word.length - end.length)
      const isSpecific = /\d/.test(core) && !/^\d{1,3}$/.test(core) && !core.includes('://')
      return isSpecific ? `…${end}` : word
    })

/** A journal may have anything in its fields. */
const shortText = (value: unknown): string => (typeof value === 'string' ? value.slice(0, maxComparedChars) : '')

/** What went wrong, and what to do about it. The message of a journal ends with the hint. */
function splitMessage(message: string, hint: string): Pick<Cause, 'message' | 'hint'> {
  const end = `. ${hint}`
  if (message === '') return { message: 'It failed, and the journal does not say why', hint }
  return { message: hint !== '' && message.endsWith(end) ? message.slice(0, -end.length) : message, hint }
}

const variousCauses = { message: 'Various reasons, which the journal has', hint: '' }

/** Counts failures by their cause. A cause is known by its index. */
export class FailureGroups {
  readonly #groups: CountedCause[] = []
  readonly #indices = new Map<string, number>()

  /** Counts a failure. @returns the index of its cause */
  add(outcome: OpenOutcome): number {
    const group = this.#groupFor(outcome)
    const counted = this.#groups[group]
    if (counted) counted.count++
    return group
  }

  /** Counts a failure of this cause no more. */
  remove(index: number): void {
    const counted = this.#groups[index]
    if (counted) counted.count--
  }

  /** Whether the failures of this cause have an unknown outcome. */
  isUnknown(index: number): boolean {
    return this.#groups[index]?.cause.event === 'unknown'
  }

  /**
   * The groups that have records, the largest first.
   *
   * @param firstLines  the first lines of each group's records, by its index
   */
  list(firstLines: ReadonlyMap<number, readonly number[]>): FailureGroup[] {
    return this.#groups
      .map((group, index) => describeGroup(group, firstLines.get(index) ?? []))
      .filter(({ count }) => count > 0)
      .sort((one, other) => other.count - one.count || (one.lines[0] ?? 0) - (other.lines[0] ?? 0))
  }

  #groupFor(outcome: OpenOutcome): number {
    const { event, httpStatus, installation, line } = outcome
    const own = splitMessage(shortText(outcome.message), shortText(outcome.hint))
    const code = shortText(outcome.code)
    const cause: Cause = { event, code, httpStatus, message: generalize(own.message), hint: generalize(own.hint) }
    const first = { installation, line, ...own }
    return (
      this.#index([event, code, httpStatus, cause.message], maxCauses, { cause, first, isVarious: false, count: 0 }) ??
      this.#index([event, code, httpStatus], maxCodes, {
        cause: { ...cause, ...variousCauses },
        first,
        isVarious: true,
        count: 0,
      }) ??
      this.#index([event], Number.POSITIVE_INFINITY, {
        cause: { event, code: '', httpStatus: undefined, ...variousCauses },
        first,
        isVarious: true,
        count: 0,
      }) ??
      0
    )
  }

  /** @returns undefined if the group is new and there are `max` already */
  #index(key: readonly unknown[], max: number, group: CountedCause): number | undefined {
    const text = JSON.stringify(key)
    const known = this.#indices.get(text)
    if (known !== undefined) return known
    if (this.#groups.length >= max) return undefined
    this.#indices.set(text, this.#groups.length)
    return this.#groups.push(group) - 1
  }
}

/** A group of one record shows what that record says, if it is the one whose message was kept. */
function describeGroup({ cause, first, isVarious, count }: CountedCause, lines: readonly number[]): FailureGroup {
  const isFirst = count === 1 && !isVarious && lines[0] === first.line
  const { message, hint, installation } = first
  return { ...cause, count, lines, installation: isFirst ? installation : undefined, ...(isFirst && { message, hint }) }
}
