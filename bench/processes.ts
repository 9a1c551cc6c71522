// Whole processes, run in turn and measured from outside: wall time from spawn to exit, and peak memory.

import { spawn } from 'node:child_process'

export interface Program {
  readonly name: string
  /** Node, where there is none. */
  readonly command?: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Made ready before each run, outside its time. */
  readonly prepare?: () => Promise<void> | void
  /** How often it is run at most, where it takes long. */
  readonly rounds?: number
  /** How it is to end: with 0, where nothing is said. */
  readonly exitCode?: number
}

export interface Run {
  /** Milliseconds. */
  readonly wall: number
  /** Peak resident set in MiB, of Node alone. */
  readonly memory: number | undefined
}

/** Tells the parent the process's own peak memory as it ends. */
const probe = `data:text/javascript,${encodeURIComponent(
  "import { writeSync } from 'node:fs'; process.on('exit', () => writeSync(3, String(process.resourceUsage().maxRSS)))",
)}`

/** Runs a program to its end. @throws where it fails */
export async function run({ name, command, args, env, prepare, exitCode = 0 }: Program): Promise<Run> {
  await prepare?.()
  return new Promise((resolve, reject) => {
    const started = performance.now()
    const child = spawn(command ?? process.execPath, command ? args : ['--import', probe, ...args], {
      env: { PATH: process.env.PATH ?? '', ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    })
    let printed = ''
    let peak = ''
    child.stdout?.on('data', (text) => (printed += text))
    child.stderr?.on('data', (text) => (printed += text))
    child.stdio[3]?.on('data', (text) => (peak += text))
    child.once('error', reject)
    child.once('exit', (code) => {
      const wall = performance.now() - started
      child.once('close', () => {
        if (code === exitCode) resolve({ wall, memory: peak === '' ? undefined : Number(peak) / 1024 })
        else reject(new Error(`${name} ended with ${code}:\n${printed.slice(-2000)}`))
      })
    })
  })
}

/** Runs the programs in turn, A B C A B C …, so that a machine that slows down slows all of them. */
export async function inTurn(programs: readonly Program[], rounds: number): Promise<Map<string, Run[]>> {
  const runs = new Map<string, Run[]>(programs.map(({ name }) => [name, []]))
  for (let round = -1; round < rounds; round++) {
    for (const program of programs) {
      if (program.rounds !== undefined && round >= program.rounds) continue
      const measured = await run(program)
      // The first round warms the disk's cache.
      if (round >= 0) runs.get(program.name)?.push(measured)
    }
  }
  return runs
}
