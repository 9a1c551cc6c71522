// The common way to write such a step: the SDK's class `Vercel`, and @actions/core for the inputs. It is measured as it is,
// as actions/github-script runs it once the SDK is installed, and as one bundle with all of the SDK.

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
