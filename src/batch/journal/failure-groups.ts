// Groups failures by what went wrong, so that a summary shows each cause once, however many records it has.

import type { OutcomeEvent } from './journal-format.ts'
import { CommonMessage, patternKey, patternOf } from './message-pattern.ts'

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

interface CountedCause extends Pick<Cause, 'event' | 'code' | 'httpStatus'> {
  /** The first record of the group. */
  readonly first: Pick<OpenOutcome, 'installation' | 'line'> & Pick<Cause, 'message' | 'hint'>
  /** What the records have in common; missing if their messages have different patterns. */
  readonly common: { readonly message: CommonMessage; readonly hint: CommonMessage } | undefined
  count: number
}

/** More causes are merged by their code and status, and more codes into one group. */
const [maxCauses, maxCodes] = [500, 700]

/** How much of a message is kept and compared. */
const maxComparedChars = 2000

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
    const { event, httpStatus, installation, line } = outcome
    const own = splitMessage(shortText(outcome.message), shortText(outcome.hint))
    const code = shortText(outcome.code)
    const patterns = { message: patternOf(own.message, installation), hint: patternOf(own.hint, installation) }
    const cause = { event, code, httpStatus, first: { installation, line, ...own }, count: 0 }
    const newGroup = (): CountedCause => ({
      ...cause,
      common: {
        message: new CommonMessage(patterns.message, { keepsLatest: false }),
        hint: new CommonMessage(patterns.hint, { keepsLatest: true }),
      },
    })
    const key = [event, code, httpStatus, patternKey(patterns.message), patternKey(patterns.hint)]
    const index =
      this.#index(key, maxCauses, newGroup) ??
      this.#index([event, code, httpStatus], maxCodes, () => ({ ...cause, common: undefined })) ??
      this.#index([event], Number.POSITIVE_INFINITY, () => ({
        ...cause,
        code: '',
        httpStatus: undefined,
        common: undefined,
      })) ??
      0
    const group = this.#groups[index] as CountedCause
    // After its last record was removed, a group begins again.
    if (group.count === 0) this.#groups[index] = { ...(group.common ? newGroup() : group), count: 1 }
    else {
      group.count++
      group.common?.message.add(patterns.message)
      group.common?.hint.add(patterns.hint)
    }
    return index
  }

  /** Counts a failure of this cause no more. */
  remove(index: number): void {
    const counted = this.#groups[index]
    if (counted) counted.count--
  }

  /** Whether the failures of this cause have an unknown outcome. */
  isUnknown(index: number): boolean {
    return this.#groups[index]?.event === 'unknown'
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

  /** @returns undefined if the group is new and there are `max` already */
  #index(key: readonly unknown[], max: number, newGroup: () => CountedCause): number | undefined {
    const text = JSON.stringify(key)
    const known = this.#indices.get(text)
    if (known !== undefined) return known
    if (this.#groups.length >= max) return undefined
    this.#indices.set(text, this.#groups.length)
    return this.#groups.push(newGroup()) - 1
  }
}

/** A group of one record shows what that record says, if it is the one whose message was kept. */
function describeGroup(
  { first, common, count, event, code, httpStatus }: CountedCause,
  lines: readonly number[],
): FailureGroup {
  const cause = { event, code, httpStatus, count, lines }
  if (!common) return { ...cause, ...variousCauses, installation: undefined }
  if (count === 1 && lines[0] === first.line) {
    const { message, hint, installation } = first
    return { ...cause, message, hint, installation }
  }
  return { ...cause, message: common.message.text, hint: common.hint.text, installation: undefined }
}
