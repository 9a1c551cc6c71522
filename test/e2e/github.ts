// A server on loopback with the part of GitHub's API that is about secrets. It decrypts the values that it receives.
// https://docs.github.com/rest/actions/secrets

import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import sodium from 'libsodium-wrappers'
import { onTestFinished } from 'vitest'

export interface GitHubCall {
  readonly method: string
  readonly path: string
  readonly authorization: string | undefined
  readonly body: Record<string, unknown> | undefined
}

/** How a call fails: with an HTTP status, or without a response. */
export type GitHubFault = number | 'reset' | 'stall' | 'reset after' | undefined

export interface GitHub {
  readonly url: string
  readonly calls: GitHubCall[]
  /** The stored values by path. */
  readonly secrets: Map<string, string>
  faults: (call: GitHubCall) => GitHubFault
  /** The message of an error response. */
  message: string
  /** Called for each call that got a response. */
  onAnswer: (call: GitHubCall) => void
  /** Called for each value that is stored. */
  onStore: (value: string) => void
  /** The visibility of an organisation's secrets, by name. */
  readonly visibilities: Map<string, string>
}

/** Starts the server, which is closed after the test. */
export async function startGitHub(): Promise<GitHub> {
  await sodium.ready
  const { publicKey, privateKey } = sodium.crypto_box_keypair()
  const key = sodium.to_base64(publicKey, sodium.base64_variants.ORIGINAL)
  const decrypt = (sealed: unknown) =>
    sodium.to_string(
      sodium.crypto_box_seal_open(
        sodium.from_base64(String(sealed), sodium.base64_variants.ORIGINAL),
        publicKey,
        privateKey,
      ),
    )
  const github: GitHub = {
    url: '',
    calls: [],
    secrets: new Map(),
    faults: () => undefined,
    message: 'Resource not accessible',
    onAnswer: () => {},
    onStore: () => {},
    visibilities: new Map(),
  }

  function respond({ method, path, body }: GitHubCall): [status: number, body?: object] {
    if (path.endsWith('/public-key')) return [200, { key, key_id: 'key-1' }]
    const name = path.split('/').at(-1)?.split('?')[0] ?? ''
    if (method === 'PUT') {
      if (body?.key_id !== 'key-1') return [422, { message: 'wrong key' }]
      const value = decrypt(body.encrypted_value)
      github.onStore(value)
      github.secrets.set(path, value)
      return [201, {}]
    }
    if (name === 'repositories') return [200, { repositories: [{ id: 7 }, { id: 9 }] }]
    const visibility = github.visibilities.get(name)
    return visibility === undefined ? [404, { message: 'Not Found' }] : [200, { name, visibility }]
  }

  const server = createServer(async (incoming: IncomingMessage, outgoing) => {
    const { method = '', url: path = '', headers } = incoming
    const body = method === 'PUT' ? ((await json(incoming)) as Record<string, unknown>) : undefined
    const call = { method, path, authorization: headers.authorization, body }
    github.calls.push(call)
    const fault = github.faults(call)
    if (fault === 'stall') return
    if (fault === 'reset') return void incoming.socket.destroy()
    const [status, content] = typeof fault === 'number' ? [fault, { message: github.message }] : respond(call)
    if (fault === 'reset after') return void incoming.socket.destroy()
    outgoing.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(content))
    github.onAnswer(call)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return Object.assign(github, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
}
