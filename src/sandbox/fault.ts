// Faults that a test can inject into a request to the sandbox.

interface Reply {
  readonly headers?: Record<string, string>
  /** Text is sent as it is, anything else as JSON. */
  readonly body?: unknown
}

/**
 * How a request fails:
 * - `answer`: the request is not processed; the response is this one
 * - `drop`: the connection is closed before the request is processed or, with `work`, afterwards
 * - `stall`: the request is not processed, and there is no response
 * - `delay`: the request is processed, and the response delayed by `ms` milliseconds
 * - `cut`: the request is processed, the response is cut in half, and the connection closed
 * - `halt`: like `cut`, but the connection stays open
 * - `garbage`: the request is processed, and the response is not HTTP
 * - `replace`: the request is processed; the parts given here replace those of the response
 */
export type Fault =
  | ({ readonly type: 'answer'; readonly status: number } & Reply)
  | ({ readonly type: 'replace'; readonly status?: number } & Reply)
  | { readonly type: 'drop'; readonly work: boolean }
  | { readonly type: 'delay'; readonly ms: number }
  | { readonly type: 'stall' | 'cut' | 'halt' | 'garbage' }
