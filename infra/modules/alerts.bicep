// What somebody should hear of. Each question asks for metrics and events of src/telemetry/names.ts; test/infra compares them.

import { alertSettings } from '../types.bicep'

param location string
param tags object
param insightsId string
param settings alertSettings

var rules = [
  {
    name: 'no-deployment-available'
    title: 'Requests found no deployment that could serve them'
    why: 'All deployments of a pool rest or fail: callers get 429 or 503.'
    severity: 1
    query: 'customMetrics | where name == "router.requests" and tostring(customDimensions.code) == "no_deployment_available" | summarize requests = sum(valueSum) by pool = tostring(customDimensions.pool)'
    measure: 'requests'
    dimension: 'pool'
    above: 0
    window: 'PT5M'
    every: 'PT5M'
  }
  {
    name: 'rate-limited'
    title: 'A deployment refuses more than half of its attempts with 429'
    why: 'Its quota is used up: raise it, or add a deployment to the pool.'
    severity: 2
    query: 'customMetrics | where name == "router.attempts" | extend deployment = tostring(customDimensions.deployment), outcome = tostring(customDimensions.outcome) | summarize attempts = sum(valueSum), limited = sumif(valueSum, outcome == "throttled") by deployment | where attempts >= 20 | project deployment, percent = 100.0 * limited / attempts'
    measure: 'percent'
    dimension: 'deployment'
    above: 50
    window: 'PT15M'
    every: 'PT15M'
  }
  {
    name: 'breaker-open'
    title: 'The breaker of a deployment opens again and again'
    why: 'The deployment fails. Its requests go elsewhere meanwhile.'
    severity: 2
    query: 'customEvents | where name == "opened" | summarize openings = count() by deployment = tostring(customDimensions.deployment)'
    measure: 'openings'
    dimension: 'deployment'
    above: settings.openingsPerHour
    window: 'PT1H'
    every: 'PT15M'
  }
  {
    name: 'misconfigured'
    title: 'A deployment refuses the router, or is not there'
    why: 'It answered 401, 403 or DeploymentNotFound and is out of rotation: look at its role assignment and its name.'
    severity: 1
    query: 'customEvents | where name == "misconfigured" | summarize times = count() by deployment = tostring(customDimensions.deployment)'
    measure: 'times'
    dimension: 'deployment'
    above: 0
    window: 'PT15M'
    every: 'PT15M'
  }
  {
    name: 'store-unhealthy'
    title: 'The store does not answer'
    why: 'Instances route by what they know, each for itself. Quotas fail open or closed, as configured.'
    severity: 1
    query: 'customMetrics | where name == "router.store.healthy" and value == 0 | summarize minutes = dcount(bin(timestamp, 1m)) by instance = cloud_RoleInstance'
    measure: 'minutes'
    dimension: 'instance'
    above: 4
    window: 'PT10M'
    every: 'PT5M'
  }
  {
    name: 'quota-runs-low'
    title: 'An account has used most of a quota'
    why: 'quotas.warnPercent (80 %) of the limit is used: from the limit on its requests are refused.'
    severity: 3
    query: 'customEvents | where name == "quotaRunsLow" | summarize warnings = count() by account = tostring(customDimensions.account)'
    measure: 'warnings'
    dimension: 'account'
    above: 0
    window: 'PT15M'
    every: 'PT15M'
  }
  {
    name: 'cost-per-day'
    title: 'A day costs more than it should'
    why: 'What the tokens of the last 24 hours cost, by the price table.'
    severity: 2
    query: 'customMetrics | where name == "router.cost" | summarize usd = sum(valueSum)'
    measure: 'usd'
    dimension: ''
    above: settings.usdPerDay
    window: 'P1D'
    every: 'PT1H'
  }
  {
    name: 'usage-lost'
    title: 'Usage could not be written to the ledger'
    why: 'Requests were served that no bill will show.'
    severity: 1
    query: 'customEvents | where name == "usageLost" | summarize times = count()'
    measure: 'times'
    dimension: ''
    above: 0
    window: 'PT15M'
    every: 'PT15M'
  }
  {
    name: 'fault'
    title: 'The router itself failed'
    why: 'A fault of its own, with class and place in customEvents.'
    severity: 1
    query: 'customEvents | where name == "fault" | summarize times = count() by error = tostring(customDimensions.error)'
    measure: 'times'
    dimension: 'error'
    above: 0
    window: 'PT15M'
    every: 'PT15M'
  }
]

resource mail 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(settings.emails)) {
  name: 'azure-openai-router'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'oai-router'
    emailReceivers: [for (email, at) in settings.emails: {
      name: 'mail-${at}'
      emailAddress: email
      useCommonAlertSchema: true
    }]
  }
}

resource alert 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [for rule in rules: {
  name: 'router-${rule.name}'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: rule.title
    description: rule.why
    severity: rule.severity
    enabled: true
    scopes: [insightsId]
    evaluationFrequency: rule.every
    windowSize: rule.window
    autoMitigate: true
    criteria: {
      allOf: [
        {
          query: rule.query
          metricMeasureColumn: rule.measure
          timeAggregation: 'Total'
          operator: 'GreaterThan'
          threshold: rule.above
          dimensions: empty(rule.dimension) ? [] : [
            { name: rule.dimension, operator: 'Include', values: ['*'] }
          ]
          failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
        }
      ]
    }
    actions: {
      actionGroups: empty(settings.emails) ? [] : [mail.id]
    }
  }
}]
