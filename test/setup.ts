// Runs before each test file. The files of a worker may share globals, so the rest is done before the first of them.

import { registerHooks } from 'node:module'
import { keepNodeWeb } from './node-web.ts'

if (keepNodeWeb()) {
  // GitHub's parser of workflows imports JSON without saying so, which Node refuses.
  registerHooks({
    load: (url, context, next) =>
      next(url, url.endsWith('.json') ? { ...context, importAttributes: { type: 'json' } } : context),
  })
}
