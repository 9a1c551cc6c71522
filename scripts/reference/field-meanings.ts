// What each field of a payload means: the descriptions in schemas/ and docs/reference. They are not in src/, because no
// step needs them. A text is one or more sentences without the last full stop.
// Sources: https://vercel.com/docs/rest-api/marketplace and https://vercel.com/docs/integrations/create-integration/billing

import type { PathParameter } from '../../src/operations/definition.ts'
import type { OperationMeanings } from './meanings.ts'

export const parameterMeanings: Readonly<Record<PathParameter, string>> = {
  integrationConfigurationId: 'The id of the installation, `icfg_…`. The input `installation-id` can set it instead',
  resourceId: 'Your id of the resource. The input `resource-id` can set it instead',
  invoiceId:
    "Vercel's id of the invoice: the output `invoiceId` of submitInvoice. The input `invoice-id` can set it instead",
  memberId:
    'The id of the member: `user_id` in the OIDC token of a single sign-on. The input `member-id` can set it instead',
  itemId: 'Your id of the experiment or flag',
  integrationProductIdOrSlug: 'The id or slug of your product',
}

const resourceId = 'Your id of the resource'
const billingPlanId = 'Your id of the billing plan'
const currentTime = "Your server's time when it read the values. Vercel keeps the latest report of a day"

const period = [
  'The billing period. Both ends belong to it',
  { start: 'The first moment of the period', end: 'The end of the period; not before `start`' },
] as const

const span = {
  start: "The start of what this line covers, if it differs from the period's",
  end: "The end of what this line covers, if it differs from the period's",
}

const item = {
  resourceId: `${resourceId}. Omit it for a charge of the whole installation`,
  billingPlanId,
  ...span,
  name: 'What is charged, as the customer reads it on the invoice',
  details: 'A second line of explanation for the customer',
  price: 'The price of one unit. It may have more than two decimals',
  quantity: 'The number of units',
  units: 'The unit, such as `GB`',
  total:
    'The amount of this line, with two decimals. It should be `price × quantity`; a difference of a cent or more is a warning',
}

const discount = {
  resourceId: `${resourceId}. Omit it for a discount on the whole installation`,
  billingPlanId,
  ...span,
  name: 'Why there is a discount, as the customer reads it on the invoice',
  details: 'A second line of explanation for the customer',
  amount: 'How much is subtracted, as a positive amount with two decimals',
}

const planDetail = { label: 'What the customer reads', value: 'A value beside the label' }

const billingPlan = [
  'The billing plan. It can have fields of your own, which are sent too',
  {
    id: billingPlanId,
    type: '`subscription` is paid per period, `prepayment` in advance',
    name: 'The name of the plan that the customer sees',
    description: 'What the plan offers',
    paymentMethodRequired: 'Whether the customer needs a payment method for the plan',
    cost: 'The price that the customer sees, such as `$25.00/month`',
    details: ['The features of the plan', planDetail],
    highlightedDetails: ['The features of the plan that Vercel emphasizes', planDetail],
    effectiveDate: 'The date from which the plan applies',
  },
] as const

const notificationFields = {
  level: 'How serious it is',
  title: 'The heading',
  message: 'The text',
  href: 'A page of yours where the customer can act',
}
const notification = ['A message that Vercel shows to the customer', notificationFields] as const
const notificationChange = [
  'A message that Vercel shows to the customer. `null` removes the current one',
  notificationFields,
] as const

const secret = {
  name: 'The name of the environment variable in the projects of the customer',
  value:
    'The value. Use a reference, `{"$env": "NAME"}` or `{"$file": "path"}`, so that it is never in the workflow or its log',
  prefix: 'A prefix of the name',
  environmentOverrides: [
    'Other values for some environments. All deployments of an environment get the same value',
    {
      development: 'The value in development',
      preview: 'The value in preview deployments',
      production: 'The value in production',
    },
  ],
} as const

const partial =
  '`true` replaces the named secrets and keeps the others. `false` deletes all others. Without it Vercel deletes them, and the action warns'

const secretsBody = { secrets: ['The new secrets of the resource', secret], partial } as const

const ownership = 'How the resource belongs to the installation'

const oauthClient = {
  clientId: "The client id of your integration, `oac_…`: in Vercel's integration console",
  clientSecret: "The client secret of your integration: in Vercel's integration console",
}

const experimentationItem = {
  slug: 'The name by which code refers to it',
  origin: 'The address of the page where you configure it',
  name: 'The name that people see',
  category: 'Whether it is an experiment or a flag',
  description: 'What it is for',
  isArchived: 'Whether it is archived',
  createdAt: 'When it was created, in milliseconds since 1970-01-01T00:00:00Z',
  updatedAt: 'When it was changed, in milliseconds since 1970-01-01T00:00:00Z',
}

export const fieldMeanings: OperationMeanings = {
  updateInstallation: {
    status: 'The status of the installation that Vercel shows',
    externalId: 'Your id of the installation',
    billingPlan,
    notification: notificationChange,
  },
  createEvent: {
    event: [
      'What has changed',
      {
        type: '`resource.updated` if you changed a resource, `installation.updated` if you changed the billing plan of an installation',
        billingPlanId: 'With `installation.updated`: your id of the billing plan of the installation',
        productId: 'With `resource.updated`: the id or slug of your product',
        resourceId: 'With `resource.updated`, required: your id of the resource',
      },
    ],
  },
  rotateInstallationCredential: oauthClient,
  revokeInstallationCredential: { token: 'The access token to revoke', ...oauthClient },
  importResource: {
    ownership,
    productId: 'The id or slug of your product',
    name: 'The name of the resource that the customer sees',
    status: 'The status of the resource that Vercel shows',
    metadata: 'Values for the metadata schema of your product',
    billingPlan,
    notification,
    extras: 'Other values, sent as they are',
    secrets: ['The secrets of the resource', secret],
  },
  updateResource: {
    ownership,
    name: 'The name of the resource that the customer sees',
    status: 'The status of the resource that Vercel shows',
    metadata: 'Values for the metadata schema of your product',
    billingPlan,
    notification: notificationChange,
    extras: 'Other values, sent as they are',
    secrets: [
      'The new secrets: a list replaces all secrets of the resource; an object says with `partial` which',
      { ...secretsBody, ...secret },
    ],
  },
  updateResourceSecrets: secretsBody,
  updateResourceSecretsById: secretsBody,
  submitBillingData: {
    timestamp: `${currentTime}. Default: the current time`,
    eod: 'The end of the day that the data is about, in UTC, within the period. Vercel refuses one that is more than 24 hours old',
    period: [
      'The billing period. Both ends belong to it',
      {
        start: 'The first moment of the period',
        end: 'The end of the period. Vercel refuses one that is more than 24 hours old',
      },
    ],
    billing: [
      'The costs of the period so far, as the customer sees them. They charge nobody: only an invoice does. Either an object with `items` and `discounts`, or a list of items. It can be empty: `[]`',
      { items: ['The charges', item], discounts: ['What is subtracted from the charges', discount], ...item },
    ],
    usage: [
      'The usage of the day, one entry per metric. It can be empty: `[]`',
      {
        resourceId: `${resourceId}. Omit it for usage of the whole installation`,
        name: 'The name of the metric that the customer sees',
        type: '`total`: a measured size, such as storage. `interval`: what was used during the period, such as queries. `rate`: usage per time, such as queries per second',
        units: 'The unit, such as `GB`',
        dayValue: 'The value of the day so far: a total, not an increment since the last report',
        periodValue: 'The value of the period so far: a total, not an increment since the last report',
        planValue: 'How much the plan includes in a period, if there is a limit',
      },
    ],
  },
  submitInvoice: {
    externalId:
      'Your id of the invoice. Vercel accepts it once per installation, so it prevents a second bill. Default: derived from the content of the invoice',
    invoiceDate: 'The date of the invoice, within the period',
    memo: 'A note to the customer',
    period,
    items: ['The charges', item],
    discounts: ['What is subtracted from the charges', discount],
    final: '`true` for the last invoice of an installation that is being deleted. Vercel refuses it for others',
    test: [
      'Sends a test invoice, which bills nobody. An empty object is enough',
      {
        validate: '`true` makes Vercel check the invoice. Errors that it finds fail the step',
        result: 'The state in which the test invoice ends',
      },
    ],
  },
  updateInvoice: {
    action: 'What to do: only refunds are possible',
    reason: 'Why, as the customer reads it. Give each refund of an invoice its own reason',
    total: 'The amount to refund, with two decimals: at most what the invoice has left',
  },
  submitPrepaymentBalances: {
    timestamp: `${currentTime}. Default: the current time`,
    balances: [
      'The balances, one entry per kind of credit',
      {
        resourceId: `${resourceId}. Omit it if the credit belongs to the installation`,
        credit: 'The remaining credit as the customer reads it, such as `2,000 Tokens`',
        nameLabel: 'The name of the credit, such as `Tokens`',
        currencyValueInCents:
          'The value of the balance in US cents. Vercel starts an automatic purchase when it falls below its threshold',
      },
    ],
  },
  exchangeSsoToken: {
    code: 'The code that Vercel sent to your redirect address. It works once. Required, unless there is a `refreshToken`',
    state: 'The state that Vercel sent with the code',
    ...oauthClient,
    redirectUri: 'The redirect address of your integration',
    refreshToken: 'The refresh token of an earlier exchange, instead of `code`',
    grantType: 'Default: what `code` or `refreshToken` needs',
  },
  createExperimentationItems: {
    items: ['The experiments and flags', { id: 'Your id of the experiment or flag', ...experimentationItem }],
  },
  updateExperimentationItem: experimentationItem,
  replaceGlobalConfig: { data: 'All items of the config, by key. Items that are missing are deleted' },
}
