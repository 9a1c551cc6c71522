// GitHub's parser of workflows imports JSON without saying so, which Node refuses.

import { registerHooks } from 'node:module'

registerHooks({
  load: (url, context, next) =>
    next(url, url.endsWith('.json') ? { ...context, importAttributes: { type: 'json' } } : context),
})
