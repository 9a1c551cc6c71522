// What a test can have go wrong with a request to the sandbox.

interface Reply {
  readonly headers?: Record<string, string>
  /** Text is sent as it is, anything else as JSON. */
  readonly body?: unknown
}

/**
 * - `answer`: nothing is done, and this is answered
 * - `drop`: the connection breaks, before or after the work is done
 * - `stall`: nothing is done, and no answer ever comes
 * - `delay`: the work is done and answered after so many milliseconds
 * - `cut`: the work is done, and half of the answer comes
 * - `halt`: the same, but the connection stays open
 * - `garbage`: the work is done, and what comes is no HTTP
 * - `replace`: the work is done, and this is answered in those parts that it has
 */
export type Fault =
  | ({ readonly type: 'answer'; readonly status: number } & Reply)
  | ({ readonly type: 'replace'; readonly status?: number } & Reply)
  | { readonly type: 'drop'; readonly work: boolean }
  | { readonly type: 'delay'; readonly ms: number }
  | { readonly type: 'stall' | 'cut' | 'halt' | 'garbage' }
