// The web's Headers and Request, as far as the SDK uses them. Node's own are undici, which takes as long to load as all
// else that a step does, and the body travels beside the request anyway (see calls.ts).

type HeaderFields = Iterable<readonly [string, string]> | Readonly<Record<string, string>>

/** Header fields by their names in lower case. */
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

/** A request that is described, and not sent from here. */
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

/** Gives the SDK these in place of Node's, in the whole process; Node's own `fetch` does not go by them. */
export function installFetchShim(): void {
  Object.assign(globalThis, { Headers: PlainHeaders, Request: PlainRequest })
}
