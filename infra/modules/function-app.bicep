// The app on a Flex Consumption plan. Its settings are all that the code reads and a template can know: docs/deploy.md lists them.

param location string
param tags object
param planName string
param name string
param identityId string
param clientId string
param insightsName string
param packageUrl string
param blobUrl string
param tableUrl string
@description('Cosmos DB for Table. Empty: the tables of the storage account.')
param cosmosUrl string
param vaultUrl string
@description('setting -> secret of the vault.')
param foreignKeys object
@description('The configuration as text. Empty: a router.json in the package.')
param routerConfig string
@description('What the owner adds.')
param moreSettings object
@description('Where the instances stand. Empty: in no network of ours.')
param subnetId string
param nodeVersion string
param instanceMemoryMB int
param maximumInstances int
param requestsPerInstance int
param alwaysReadyInstances int

var secretPrefix = '@Microsoft.KeyVault(SecretUri=${vaultUrl}/secrets/'

var settings = {
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'Authorization=AAD;ClientId=${clientId}'
  APPLICATIONINSIGHTS_CONNECTION_STRING: insights.properties.ConnectionString
  AzureWebJobsDisableHomepage: 'true'
  AzureWebJobsStorage__blobServiceUri: blobUrl
  AzureWebJobsStorage__clientId: clientId
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__tableServiceUri: tableUrl
  ROUTER_ADMIN_KEY: '${secretPrefix}router-admin-key)'
}

var foreign = mapValues(foreignKeys, secret => '${secretPrefix}${secret})')

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'router' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    serverFarmId: plan.id
    clientAffinityEnabled: false
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    publicNetworkAccess: 'Enabled'
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: packageUrl
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: { name: 'node', version: nodeVersion }
      scaleAndConcurrency: {
        alwaysReady: alwaysReadyInstances == 0 ? [] : [
          { name: 'http', instanceCount: alwaysReadyInstances }
        ]
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstances
        triggers: { http: { perInstanceConcurrency: requestsPerInstance } }
      }
    }
    siteConfig: {
      ftpsState: 'Disabled'
      http20Enabled: true
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
    }
  }

  resource appSettings 'config' = {
    name: 'appsettings'
    properties: union(
      settings,
      foreign,
      moreSettings,
      empty(cosmosUrl) ? {} : { ROUTER_STORAGE: cosmosUrl },
      empty(routerConfig) ? {} : { ROUTER_CONFIG: routerConfig }
    )
  }

  // Packages are published with an Entra token. Passwords would be a second way in.
  resource scm 'basicPublishingCredentialsPolicies' = {
    name: 'scm'
    properties: { allow: false }
  }

  resource ftp 'basicPublishingCredentialsPolicies' = {
    name: 'ftp'
    properties: { allow: false }
  }
}

output name string = app.name
output url string = 'https://${app.properties.defaultHostName}'
