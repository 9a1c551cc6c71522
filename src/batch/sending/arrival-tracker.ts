// Knows whether a record's request can have arrived, also if the action itself fails.

import type { Transport } from '../../http/transport.ts'
import { TransportError } from '../../http/transport-error.ts'
import { onlyReads } from '../../operations/operation.ts'

/** Watches the requests of one record. Requests that only read do not count. */
export class ArrivalTracker {
  #mayHaveArrived = false

  /** Whether Vercel may have processed a request of the record. */
  get mayHaveArrived(): boolean {
    return this.#mayHaveArrived
  }

  transport({ send, close }: Transport): Transport {
    return {
      send: async (request, options) => {
        if (onlyReads(request)) return send(request, options)
        const before = this.#mayHaveArrived
        this.#mayHaveArrived = true
        try {
          const response = await send(request, options)
          if (response.status === 429) this.#mayHaveArrived = before
          return response
        } catch (error) {
          if (error instanceof TransportError && !error.mayHaveArrived) this.#mayHaveArrived = before
          throw error
        }
      },
      close,
    }
  }
}
