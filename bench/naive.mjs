// The step as one writes it first: the SDK's class, and @actions/core for the inputs. Bundled whole, it is the naive
// bundle; as it is, what actions/github-script does once the SDK is installed.

import * as core from '@actions/core'
import { Vercel } from '@vercel/sdk'

const { invoiceDate, period, ...bill } = JSON.parse(core.getInput('payload'))
const vercel = new Vercel({ bearerToken: core.getInput('token'), serverURL: core.getInput('api-url') })
const { invoiceId } = await vercel.marketplace.submitInvoice({
  integrationConfigurationId: core.getInput('installation-id'),
  requestBody: {
    ...bill,
    invoiceDate: new Date(invoiceDate),
    period: { start: new Date(period.start), end: new Date(period.end) },
  },
})
core.setOutput('invoiceId', invoiceId)
