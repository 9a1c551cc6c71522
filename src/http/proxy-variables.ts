// Whether the environment names a proxy at all: most do not, and then nothing else about proxies is loaded.

const names = ['https_proxy', 'http_proxy']

/** Whether a proxy variable is set, in either case. */
export const hasProxyVariables = (env: NodeJS.ProcessEnv): boolean =>
  names.some((name) => Boolean(env[name]?.trim() || env[name.toUpperCase()]?.trim()))
