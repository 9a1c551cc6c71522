// The parts of the web's Headers and Request that the SDK uses. Node's own are in undici, which takes as long to load as the
// rest of a step, and the body bypasses the request anyway (see call.ts).

type HeaderFields = Iterable<readonly [string, string]> | Readonly<Record<string, string>>

/** Header fields, with names in lower case. */
export class PlainHeaders {
  readonly #fields = new Map<string, string>()

  constructor(fields: HeaderFields = {}) {
    const pairs = Symbol.iterator in fields ? fields : Object.entries(fields)
    for (const [name, value] of pairs) this.set(name, value)
  }

  get(name: string): string | null {
    return this.#fields.get(name.toLowerCase()) ?? null
  }

  set(name: string, value: string): void {
    this.#fields.set(name.toLowerCase(), String(value).trim())
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.#fields.entries()
  }
}

/** A description of a request, without a body. */
export class PlainRequest {
  readonly url: string
  readonly method: string
  readonly headers: PlainHeaders

  constructor(url: URL | string, { method = 'GET', headers }: { method?: string; headers?: HeaderFields } = {}) {
    this.url = String(url)
    this.method = method
    this.headers = new PlainHeaders(headers)
  }

  clone(): this {
    return this
  }
}

/** Replaces the global `Headers` and `Request` in the whole process. Node's own `fetch` does not use these globals. */
export function installFetchShim(): void {
  Object.assign(globalThis, { Headers: PlainHeaders, Request: PlainRequest })
}
