// Scripts in documents name their shell where PowerShell, the default on Windows, would write something else.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { documents } from '../../scripts/docs.ts'
import { blocksOf } from '../workflows/read.ts'
import { root } from './links.ts'

interface Step {
  readonly run?: string
  readonly shell?: string
}

const stepsOf = (block: string): Step[] => {
  const content = parse(block) as Step[] | { jobs: Record<string, { steps?: Step[] }> }
  return Array.isArray(content) ? content : Object.values(content.jobs).flatMap(({ steps = [] }) => steps)
}

/** The scripts of a document that redirect, or use a variable of the runner, without bash. */
const scriptsWithoutBash = (markdown: string): string[] =>
  blocksOf(markdown)
    .flatMap(stepsOf)
    .filter(({ run = '', shell }) => /(^|\s)>{1,2} |\$(RUNNER|GITHUB)_/.test(run) && shell !== 'bash')
    .map(({ run = '' }) => run)

test.each(documents.filter((path) => path.endsWith('.md')))('scripts in %s that redirect use bash', (path) => {
  expect(scriptsWithoutBash(readFileSync(join(root, path), 'utf8'))).toEqual([])
})

test('a script that redirects in the default shell is found', () => {
  const steps = (...lines: string[]) => `\`\`\`yaml\n- uses: a/b@v1\n${lines.join('\n')}\n\`\`\`\n`
  expect(scriptsWithoutBash(steps('- run: ./export > usage.ndjson'))).toEqual(['./export > usage.ndjson'])
  expect(scriptsWithoutBash(steps('- run: ls "$RUNNER_TEMP"'))).toEqual(['ls "$RUNNER_TEMP"'])
  expect(scriptsWithoutBash(steps('- run: ./export > usage.ndjson', '  shell: bash', '- run: echo done'))).toEqual([])
})
