// Responses of the sandbox, in the form of the API's.

/** A response without its headers. */
export interface SandboxResponse {
  readonly status: number
  readonly body?: unknown
}

/** The response 200 with a JSON body. */
export const ok = (body: unknown): SandboxResponse => ({ status: 200, body })
export const created: SandboxResponse = { status: 201 }
export const noContent: SandboxResponse = { status: 204 }

const codes: Record<number, string> = {
  400: 'bad_request',
  401: 'forbidden',
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
  410: 'gone',
}

/** Thrown to refuse a request; `answer` is the response. */
export class Refusal extends Error {
  readonly answer: SandboxResponse

  constructor(status: number, message: string) {
    super(message)
    this.answer = { status, body: { error: { code: codes[status] ?? 'error', message } } }
  }
}
