// The tables that instances share, the host's own blobs, and the package. Nobody gets in by key.

import { roles } from '../roles.bicep'

param location string
param tags object
param name string
param principalId string
param sku string
@description('The names in src/store/port.ts. Empty: the tables are elsewhere.')
param tables string[]
@description('Reached by private endpoints alone.')
param isPrivate bool

var packageContainer = 'app-package'

resource account 'Microsoft.Storage/storageAccounts@2025-08-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: sku }
  properties: {
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'None'
      defaultAction: isPrivate ? 'Deny' : 'Allow'
    }
  }

  resource blobs 'blobServices' = {
    name: 'default'

    resource package 'containers' = {
      name: packageContainer
      properties: { publicAccess: 'None' }
    }
  }

  resource tableService 'tableServices' = {
    name: 'default'

    resource made 'tables' = [for table in tables: {
      name: table
    }]
  }
}

// The Functions host: its locks, its timers' schedules, and the package it runs from.
resource blobOwner 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, principalId, roles.storageBlobDataOwner)
  scope: account
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageBlobDataOwner)
  }
}

// The router's state; and the host's diagnostic events, where the tables are elsewhere.
resource tableContributor 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, principalId, roles.storageTableDataContributor)
  scope: account
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageTableDataContributor)
  }
}

output id string = account.id
output packageUrl string = 'https://${name}.blob.${environment().suffixes.storage}/${packageContainer}'
output blobUrl string = 'https://${name}.blob.${environment().suffixes.storage}'
output tableUrl string = 'https://${name}.table.${environment().suffixes.storage}'
