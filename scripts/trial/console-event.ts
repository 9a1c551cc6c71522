// Sends Ctrl+C or Ctrl+Break to the console of a process on Windows, as GitHub's runner does when a workflow is cancelled:
// `node console-event.ts PID Ctrl+C`. Node has no function for it; this calls those of Windows with the package koffi.
// https://github.com/actions/runner/blob/main/src/Runner.Sdk/ProcessInvoker.cs
// https://learn.microsoft.com/windows/console/generateconsolectrlevent

import { createRequire } from 'node:module'

const [pid = '', name] = process.argv.slice(2)

interface Kernel {
  readonly func: (declaration: string) => (...args: unknown[]) => number
}

function loadKernel(): Kernel | undefined {
  try {
    return createRequire(import.meta.url)('koffi').load('kernel32.dll')
  } catch {
    return undefined
  }
}

/** @returns what is missing, or the function that failed */
function problemOfSending(kernel: Kernel | undefined): string | undefined {
  if (!kernel) return 'it needs the package koffi: npm install --no-save --ignore-scripts koffi@3.3.4'
  const call = (declaration: string, ...args: unknown[]) => kernel.func(`int __stdcall ${declaration}`)(...args) !== 0
  // A process has one console. The event goes to all processes of the console, so this one ignores it.
  call('FreeConsole()')
  if (!call('AttachConsole(uint32_t pid)', Number(pid))) return 'the system refuses AttachConsole'
  call('SetConsoleCtrlHandler(void *handler, int add)', null, 1)
  const event = name === 'Ctrl+Break' ? 1 : 0
  const isSent = call('GenerateConsoleCtrlEvent(uint32_t event, uint32_t group)', event, 0)
  return isSent ? undefined : `the system refuses to send ${name} (GenerateConsoleCtrlEvent)`
}

const problem = problemOfSending(loadKernel())
if (problem !== undefined) {
  console.log(problem)
  process.exitCode = 1
}
