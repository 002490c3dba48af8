// What of the router's surroundings is reached by private endpoint.

param location string
param tags object
param token string
param subnetId string
@description('The names of the private DNS zones: blob, table, vault, openAi, cosmos.')
param zones object
param storageId string
param vaultId string
@description('The names of the accounts that are made.')
param openAiAccounts string[]
@description('Empty: there is none.')
param cosmosName string

resource openAi 'Microsoft.CognitiveServices/accounts@2025-12-01' existing = [for name in openAiAccounts: {
  name: name
}]

resource cosmos 'Microsoft.DocumentDB/databaseAccounts@2026-03-15' existing = if (!empty(cosmosName)) {
  name: cosmosName
}

module blob 'private-endpoint.bicep' = {
  name: 'pe-blob'
  params: {
    location: location
    tags: tags
    name: 'pe-blob-${token}'
    subnetId: subnetId
    targetId: storageId
    part: 'blob'
    zoneName: zones.blob
  }
}

module table 'private-endpoint.bicep' = {
  name: 'pe-table'
  params: {
    location: location
    tags: tags
    name: 'pe-table-${token}'
    subnetId: subnetId
    targetId: storageId
    part: 'table'
    zoneName: zones.table
  }
}

module vault 'private-endpoint.bicep' = {
  name: 'pe-vault'
  params: {
    location: location
    tags: tags
    name: 'pe-vault-${token}'
    subnetId: subnetId
    targetId: vaultId
    part: 'vault'
    zoneName: zones.vault
  }
}

module openAiEndpoint 'private-endpoint.bicep' = [for (name, at) in openAiAccounts: {
  name: 'pe-${name}'
  params: {
    location: location
    tags: tags
    name: 'pe-${name}'
    subnetId: subnetId
    targetId: openAi[at].id
    part: 'account'
    zoneName: zones.openAi
  }
}]

module cosmosEndpoint 'private-endpoint.bicep' = if (!empty(cosmosName)) {
  name: 'pe-cosmos'
  params: {
    location: location
    tags: tags
    name: 'pe-cosmos-${token}'
    subnetId: subnetId
    targetId: cosmos.id
    part: 'Table'
    zoneName: zones.cosmos
  }
}
