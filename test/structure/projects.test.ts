import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { processes } from '../../vitest.config.ts'

const root = join(import.meta.dirname, '..', '..')
const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.test.ts') && !path.startsWith('e2e'))
  .map((path) => `test/${path.replaceAll('\\', '/')}`)

test('the quick tests start no processes', () => {
  const starting = files.filter((path) =>
    /^import .* from '(node:child_process|\.\/project\.ts)'$/m.test(readFileSync(join(root, path), 'utf8')),
  )
  expect(starting.sort()).toEqual(processes)
})
