// Answers of the sandbox, in the API's shapes.

export interface Answer {
  readonly status: number
  readonly body?: unknown
}

export const ok = (body: unknown): Answer => ({ status: 200, body })
export const created: Answer = { status: 201 }
export const noContent: Answer = { status: 204 }

const codes: Record<number, string> = {
  400: 'bad_request',
  401: 'forbidden',
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
}

/** What a handler throws to refuse a request. */
export class Refusal extends Error {
  readonly answer: Answer

  constructor(status: number, message: string) {
    super(message)
    this.answer = { status, body: { error: { code: codes[status] ?? 'error', message } } }
  }
}
