// Everything the router runs on, in a resource group of its own. `azd up` deploys it; `az deployment sub create` does the same.
// What may be chosen stands in main.parameters.json; docs/deploy.md goes through it.

targetScope = 'subscription'

import { alertSettings, budget, existingAccount, foreignKey, newAccount } from 'types.bicep'

@minLength(1)
@maxLength(40)
@description('Names the resource group (rg-<name>) and, as a hash, everything in it.')
param environmentName string

@description('Where the app, its storage and its telemetry are. It must be a region of Flex Consumption.')
param location string

@secure()
@minLength(24)
@description('The admin key. It goes into the key vault, and the app reads it from there.')
param adminKey string

@description('Azure OpenAI accounts to make, in order of preference: their deployments of a model are its pool.')
param accounts newAccount[] = []

@description('Azure OpenAI accounts that are there already. They come behind those that are made.')
param existingAccounts existingAccount[] = []

@description('Secrets that the app reads from the vault, for endpoints with keys.')
param foreignKeys foreignKey[] = []

@description('More of router.json (plans, tiers, agents, endpoints with keys); it wins over what is made of the accounts.')
param routerSettings object = {}

@description('Further settings of the app, none of them secret. What is set by hand is gone with the next deployment.')
param appSettings object = {}

@description('Cosmos DB for Table holds the state, in the place of the storage account.')
param useCosmos bool = false

@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GZRS'])
@description('How the storage account is kept. Standard_LRS where the region has no zones.')
param storageSku string = 'Standard_ZRS'

@description('A virtual network with private endpoints for whatever the router talks to. Its own address stays public.')
param usePrivateNetwork bool = false

@description('The address range of that network.')
param addressPrefix string = '10.77.0.0/24'

@description('Node. test/infra holds it to the engines of package.json.')
@allowed(['22', '24'])
param nodeVersion string = '24'

@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@minValue(1)
@maxValue(1000)
param maximumInstances int = 40

@minValue(1)
@maxValue(1000)
@description('Requests at once before another instance is started. 32 bodies of the largest size (limits.bodyMb) fill half of 2 GB.')
param requestsPerInstance int = 32

@minValue(0)
@description('Instances that are there while nobody calls. 0: none, and nothing to pay for them.')
param alwaysReadyInstances int = 0

@minValue(30)
@maxValue(730)
param retentionDays int = 30

@description('Absent: no budget.')
param monthlyBudget budget?

@description('Gigabytes of telemetry a day after which ingestion stops. -1: never.')
param telemetryCapGb int = -1

param alerts alertSettings = { emails: [], usdPerDay: 100, openingsPerHour: 3 }

// src/store/port.ts has the same names; test/infra compares them.
var tables = ['deployments', 'assignments', 'failures', 'cursors', 'quota', 'usage', 'keys', 'affinity', 'events']

var token = uniqueString(subscription().id, environmentName, location)
// The app's address tells its token to everybody. The vault's name is nobody's business.
var vaultToken = uniqueString(subscription().id, environmentName, location, 'vault')
var tags = { 'azd-env-name': environmentName }
var cosmosName = 'cosmos-${token}'
var cosmosUrl = useCosmos ? 'https://${cosmosName}.table.cosmos.azure.com' : ''

// By index the same as `accounts`: the hosts are known before the accounts are made.
var accountNames = map(accounts, account => 'oai-${account.name}-${token}')
var madeEndpoints = map(range(0, length(accounts)), at => {
  name: accounts[at].name
  url: 'https://${accountNames[at]}.openai.azure.com'
  region: accounts[at].region
  deployments: map(accounts[at].deployments, deployment => {
    name: deployment.name
    model: deployment.model
    kind: contains(deployment.sku, 'Provisioned') ? 'ptu' : 'standard'
  })
})
var knownEndpoints = map(existingAccounts, account => {
  name: account.name
  url: account.url
  region: account.region
  deployments: account.deployments
})

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  scope: group
  name: 'identity'
  params: {
    location: location
    tags: tags
    name: 'id-${token}'
  }
}

module storage 'modules/storage.bicep' = {
  scope: group
  name: 'storage'
  params: {
    location: location
    tags: tags
    name: 'st${token}'
    principalId: identity.outputs.principalId
    sku: storageSku
    tables: useCosmos ? [] : tables
    isPrivate: usePrivateNetwork
  }
}

module monitoring 'modules/monitoring.bicep' = {
  scope: group
  name: 'monitoring'
  params: {
    location: location
    tags: tags
    workspaceName: 'log-${token}'
    insightsName: 'appi-${token}'
    principalId: identity.outputs.principalId
    retentionDays: retentionDays
    dailyCapGb: telemetryCapGb
  }
}

module workbook 'modules/workbook.bicep' = {
  scope: group
  name: 'workbook'
  params: {
    location: location
    tags: tags
    insightsId: monitoring.outputs.insightsId
  }
}

module alertRules 'modules/alerts.bicep' = {
  scope: group
  name: 'alerts'
  params: {
    location: location
    tags: tags
    insightsId: monitoring.outputs.insightsId
    settings: alerts
  }
}

module vault 'modules/vault.bicep' = {
  scope: group
  name: 'vault'
  params: {
    location: location
    tags: tags
    name: 'kv-${vaultToken}'
    principalId: identity.outputs.principalId
    adminKey: adminKey
    isPrivate: usePrivateNetwork
  }
}

module openAi 'modules/openai-account.bicep' = [for (account, at) in accounts: {
  scope: group
  name: 'openai-${account.name}'
  params: {
    location: account.region
    tags: tags
    name: accountNames[at]
    principalId: identity.outputs.principalId
    deployments: account.deployments
    isPrivate: usePrivateNetwork
  }
}]

module openAiAccess 'modules/openai-access.bicep' = [for account in existingAccounts: {
  scope: resourceGroup(account.?subscriptionId ?? subscription().subscriptionId, account.resourceGroup)
  name: 'router-access-${account.name}'
  params: {
    accountName: account.accountName
    principalId: identity.outputs.principalId
  }
}]

module routerConfig 'modules/router-config.bicep' = {
  scope: group
  name: 'router-config'
  params: {
    endpoints: concat(madeEndpoints, knownEndpoints)
    clientId: identity.outputs.clientId
    settings: routerSettings
  }
}

module network 'modules/network.bicep' = if (usePrivateNetwork) {
  scope: group
  name: 'network'
  params: {
    location: location
    tags: tags
    name: 'vnet-${token}'
    addressPrefix: addressPrefix
  }
}

module privateEndpoints 'modules/private-endpoints.bicep' = if (usePrivateNetwork) {
  scope: group
  name: 'private-endpoints'
  params: {
    location: location
    tags: tags
    token: token
    subnetId: network.?outputs.endpointsSubnetId ?? ''
    zones: network.?outputs.zones ?? {}
    storageId: storage.outputs.id
    vaultId: vault.outputs.id
    openAiAccounts: accountNames
    cosmosName: useCosmos ? cosmosName : ''
  }
  dependsOn: [cosmos, openAi]
}

module app 'modules/function-app.bicep' = {
  scope: group
  name: 'app'
  params: {
    location: location
    tags: tags
    planName: 'plan-${token}'
    name: 'router-${token}'
    identityId: identity.outputs.id
    clientId: identity.outputs.clientId
    insightsName: monitoring.outputs.insightsName
    packageUrl: storage.outputs.packageUrl
    blobUrl: storage.outputs.blobUrl
    tableUrl: storage.outputs.tableUrl
    cosmosUrl: cosmosUrl
    vaultUrl: vault.outputs.url
    foreignKeys: toObject(foreignKeys, key => key.setting, key => key.secret)
    routerConfig: routerConfig.outputs.text
    moreSettings: appSettings
    subnetId: network.?outputs.instancesSubnetId ?? ''
    nodeVersion: nodeVersion
    instanceMemoryMB: instanceMemoryMB
    maximumInstances: maximumInstances
    requestsPerInstance: requestsPerInstance
    alwaysReadyInstances: alwaysReadyInstances
  }
}

module cosmos 'modules/cosmos.bicep' = if (useCosmos) {
  scope: group
  name: 'cosmos'
  params: {
    location: location
    tags: tags
    name: cosmosName
    principalId: identity.outputs.principalId
    tables: tables
    isPrivate: usePrivateNetwork
  }
}

module spending 'modules/budget.bicep' = if (monthlyBudget != null) {
  scope: group
  name: 'budget'
  params: { limit: monthlyBudget! }
}

output AZURE_RESOURCE_GROUP string = group.name
output AZURE_FUNCTION_APP_NAME string = app.outputs.name
output AZURE_KEY_VAULT_NAME string = 'kv-${vaultToken}'
output ROUTER_URL string = app.outputs.url
