// Answers of the sandbox, in the API's shapes.

export interface SandboxResponse {
  readonly status: number
  readonly body?: unknown
}

export const ok = (body: unknown): SandboxResponse => ({ status: 200, body })
export const created: SandboxResponse = { status: 201 }
export const noContent: SandboxResponse = { status: 204 }

const codes: Record<number, string> = {
  400: 'bad_request',
  401: 'forbidden',
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
}

/** What a handler throws to refuse a request. */
export class Refusal extends Error {
  readonly answer: SandboxResponse

  constructor(status: number, message: string) {
    super(message)
    this.answer = { status, body: { error: { code: codes[status] ?? 'error', message } } }
  }
}
