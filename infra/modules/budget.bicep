// Mails when the resource group's bill nears a limit, which stops nothing.

import { budget } from '../types.bicep'

param limit budget

resource monthly 'Microsoft.Consumption/budgets@2024-08-01' = {
  name: 'azure-openai-router'
  properties: {
    amount: limit.usdPerMonth
    category: 'Cost'
    timeGrain: 'Monthly'
    timePeriod: { startDate: limit.startDate }
    notifications: {
      actual80: {
        contactEmails: limit.emails
        enabled: true
        operator: 'GreaterThanOrEqualTo'
        threshold: 80
        thresholdType: 'Actual'
      }
      forecast100: {
        contactEmails: limit.emails
        enabled: true
        operator: 'GreaterThanOrEqualTo'
        threshold: 100
        thresholdType: 'Forecasted'
      }
    }
  }
}
