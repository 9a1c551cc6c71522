// Runs the sandbox as an HTTP server on loopback, for other programs: `npm run sandbox -- --port 4010 --state FILE`

import { parseArgs } from 'node:util'
import { startSandboxServer } from '../src/sandbox/server.ts'
import { openStore } from '../src/sandbox/store.ts'

try {
  const { values } = parseArgs({ options: { port: { type: 'string', default: '4010' }, state: { type: 'string' } } })
  if (!/^\d{1,5}$/.test(values.port))
    throw new Error(`--port must be a number such as 4010, not ${JSON.stringify(values.port)}`)
  const server = await startSandboxServer({
    port: Number(values.port),
    store: openStore(values.state),
    onAnswer: ({ method, path, status }) => console.log(`${method} ${path} ${status}`),
    keepsArrivals: false,
  })
  console.log(`Listening on ${server.url}`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void server.close())
} catch (error) {
  // Expected errors: the port is in use, the state file cannot be opened, an option does not exist.
  console.error((error as Error).message)
  process.exitCode = 1
}
