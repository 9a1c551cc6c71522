// Paths that operations share. See https://vercel.com/docs/rest-api/marketplace

export const installationPath = '/v1/installations/{integrationConfigurationId}'
export const resourcePath = `${installationPath}/resources/{resourceId}` as const
