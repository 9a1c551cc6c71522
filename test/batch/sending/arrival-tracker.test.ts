import { describe, expect, test } from 'vitest'
import { ArrivalTracker } from '../../../src/batch/sending/arrival-tracker.ts'
import type { HttpRequest, HttpResponse } from '../../../src/http/transport.ts'
import { fail, respond } from '../../delivery/planned.ts'

const requestOf = (method: HttpRequest['method']): HttpRequest => ({
  method,
  url: new URL('https://api.example/v1/installations/icfg_1/billing'),
  headers: {},
})

/** Sends requests that meet these answers. @returns whether one may have arrived */
async function mayArrive(answers: readonly (HttpResponse | Error)[], method: HttpRequest['method'] = 'POST') {
  const tracker = new ArrivalTracker()
  for (const answer of answers) {
    const send = async () => {
      if (answer instanceof Error) throw answer
      return answer
    }
    const sending = tracker.transport({ send, close() {} }).send(requestOf(method), { timeoutMs: 1000 })
    await sending.then(
      (response) => expect(response).toBe(answer),
      (error) => expect(error).toBe(answer),
    )
  }
  return tracker.mayHaveArrived
}

describe('a request', () => {
  test.each<[what: string, answers: (HttpResponse | Error)[], mayHaveArrived: boolean]>([
    ['has not arrived before it is sent', [], false],
    ['has arrived after a response', [respond(200)], true],
    ['may have arrived after an error of the server', [respond(500)], true],
    ['was not processed if it was throttled', [respond(429)], false],
    ['was not processed if no connection opened', [fail('connect')], false],
    ['may have arrived if the response was lost', [fail('timeout')], true],
    ['may have arrived if the action failed', [new Error('broken')], true],
    ['may have arrived before a later one was not processed', [respond(500), respond(429), fail('connect')], true],
  ])('%s', async (_, answers, mayHaveArrived) => {
    expect(await mayArrive(answers)).toBe(mayHaveArrived)
  })

  test('that only reads does not count', async () => {
    expect(await mayArrive([respond(200), fail('timeout')], 'GET')).toBe(false)
  })
})
