// Runs before each test file. The files of a worker may share globals, so the rest is done before the first of them.

import { registerHooks } from 'node:module'
import { keepNodeWeb } from './node-web.ts'

const isWatching = process.env.VITEST_MODE === 'WATCH'

/** A file that is imported by its path, with its extension: no more is to be resolved. */
const filePath = /^\.\.?\/.*\.(?:ts|js)$/

if (keepNodeWeb()) {
  registerHooks({
    // Vitest tells its main process about each import, static or dynamic, whenever it is reached. Only watching needs that.
    resolve: (specifier, context, next) =>
      !isWatching && filePath.test(specifier) && context.parentURL && context.conditions.includes('import')
        ? { url: new URL(specifier, context.parentURL).href, shortCircuit: true }
        : next(specifier, context),
    // GitHub's parser of workflows imports JSON without saying so, which Node refuses.
    load: (url, context, next) =>
      next(url, url.endsWith('.json') ? { ...context, importAttributes: { type: 'json' } } : context),
  })
}
