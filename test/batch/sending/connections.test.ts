import { describe, expect, test } from 'vitest'
import { Connections } from '../../../src/batch/sending/connections.ts'

const stateOf = ({ limit, isDown, isExhausted, readyAt, failedSince }: Connections) => ({
  limit,
  isDown,
  isExhausted,
  readyAt,
  failedSince,
})
const open = {
  isDown: false,
  isExhausted: false,
  readyAt: Number.NEGATIVE_INFINITY,
  failedSince: undefined,
}

test('all connections may be open at first', () => {
  expect(stateOf(new Connections(10))).toEqual({ ...open, limit: 10 })
})

describe('while the host refuses', () => {
  test('only those that are open stay, and the first failure is remembered', () => {
    const connections = new Connections(10)
    connections.onFailed(1_000, 6, 'ECONNREFUSED')
    connections.onFailed(1_200, 4, 'ECONNREFUSED')
    expect(stateOf(connections)).toEqual({ ...open, limit: 4, failedSince: 1_000 })
  })

  test('a failure of an unknown kind is not of the runner', () => {
    const connections = new Connections(10)
    connections.onFailed(1_000, 6, undefined)
    expect(stateOf(connections)).toEqual({ ...open, limit: 6, failedSince: 1_000 })
  })

  test('a probe is sent after waits that double, up to 2 seconds', () => {
    const connections = new Connections(10)
    const waits = Array.from({ length: 25 }, () => {
      connections.onFailed(1_000, 0, 'ECONNREFUSED')
      return connections.readyAt - 1_000
    })
    expect(waits).toEqual([250, 500, 1_000, ...Array(22).fill(2_000)])
    expect(stateOf(connections)).toMatchObject({ limit: 1, isDown: true })
  })

  test('the number of connections grows by one with each response, up to what it was', () => {
    const connections = new Connections(4)
    connections.onFailed(1_000, 0, 'ECONNREFUSED')
    const limits = Array.from({ length: 5 }, () => {
      connections.onOpened()
      return connections.limit
    })
    expect(limits).toEqual([2, 3, 4, 4, 4])
    expect(stateOf(connections)).toEqual({ ...open, limit: 4 })
  })

  test('after a response the waits start over', () => {
    const connections = new Connections(10)
    connections.onFailed(1_000, 0, 'ECONNREFUSED')
    connections.onFailed(2_000, 0, 'ECONNREFUSED')
    connections.onOpened()
    connections.onFailed(3_000, 0, 'ECONNREFUSED')
    expect(connections.readyAt).toBe(3_250)
  })
})

describe('while the runner has no descriptors', () => {
  test.each(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL', 'EAGAIN'])(
    '%s leaves a tenth of them',
    (code) => {
      const connections = new Connections(100)
      connections.onFailed(1_000, 50, code)
      expect(stateOf(connections)).toEqual({ ...open, limit: 45, isExhausted: true, failedSince: 1_000 })
    },
  )

  test('it never uses more again, and what it may use grows slowly', () => {
    const connections = new Connections(100)
    connections.onFailed(1_000, 11, 'EMFILE')
    expect(connections.limit).toBe(9)
    connections.onFailed(1_000, 3, 'EMFILE')
    expect(connections.limit).toBe(2)
    connections.onFailed(1_000, 40, 'EMFILE')
    expect(connections.limit).toBe(2)
  })

  test('the number of connections grows by one with each round of responses', () => {
    const connections = new Connections(10)
    connections.onFailed(1_000, 10, 'EMFILE')
    connections.onFailed(1_000, 0, 'EMFILE')
    const limits = Array.from({ length: 9 }, () => {
      connections.onOpened()
      return connections.limit
    })
    expect(limits).toEqual([2, 2, 2, 3, 3, 3, 4, 4, 4])
    for (let i = 0; i < 100; i += 1) connections.onOpened()
    expect(connections.limit).toBe(9)
  })

  test('one connection is always possible', () => {
    const connections = new Connections(10)
    connections.onFailed(1_000, 1, 'EMFILE')
    expect(connections.limit).toBe(1)
    connections.onFailed(1_000, 0, 'EMFILE')
    expect(stateOf(connections)).toMatchObject({ limit: 1, isDown: true, isExhausted: true })
  })
})
