// Runs whole processes and measures them from outside: wall time from spawn to exit, and peak memory.

import { spawn } from 'node:child_process'

export interface Program {
  readonly name: string
  /** The program to start; Node by default. */
  readonly command?: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Called before each run; its time is not measured. */
  readonly prepare?: () => Promise<void> | void
  /** The largest number of rounds, for a program that takes long. */
  readonly rounds?: number
  /** The expected exit code; 0 by default. */
  readonly exitCode?: number
}

export interface Run {
  /** In milliseconds. */
  readonly wall: number
  /** The peak resident set size in MiB; undefined for programs other than Node. */
  readonly memory: number | undefined
}

/** A module that makes a process write its peak memory, in KiB, to file descriptor 3 when it exits. */
const probe = `data:text/javascript,${encodeURIComponent(
  "import { writeSync } from 'node:fs'; process.on('exit', () => writeSync(3, String(process.resourceUsage().maxRSS)))",
)}`

/**
 * Runs a program until it exits.
 *
 * @throws {Error} if it exits with another code than the expected one
 */
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
        else reject(new Error(`${name} ended with exit code ${code}:\n${printed.slice(-2000)}`))
      })
    })
  })
}

/**
 * Runs the programs alternately, A B C A B C …, so that a machine that slows down affects all of them alike.
 *
 * @returns the runs of each program, by its name
 */
export async function runAlternately(programs: readonly Program[], rounds: number): Promise<Map<string, Run[]>> {
  const runs = new Map<string, Run[]>(programs.map(({ name }) => [name, []]))
  for (let round = -1; round < rounds; round++) {
    for (const program of programs) {
      if (program.rounds !== undefined && round >= program.rounds) continue
      const measured = await run(program)
      // Round -1 only fills the file system's cache.
      if (round >= 0) runs.get(program.name)?.push(measured)
    }
  }
  return runs
}
