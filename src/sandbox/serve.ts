// `npm run sandbox -- --port 4010 --state FILE`: a Marketplace on loopback, for programs that are no action.

import { parseArgs } from 'node:util'
import { startSandboxServer } from './server.ts'
import { openStore } from './store.ts'

const { values } = parseArgs({ options: { port: { type: 'string', default: '4010' }, state: { type: 'string' } } })
const server = await startSandboxServer({
  port: Number(values.port),
  store: openStore(values.state),
  onAnswer: ({ method, path, status }) => console.log(`${method} ${path} ${status}`),
})
console.log(`Listening on ${server.url}`)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void server.close())
