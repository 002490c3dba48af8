// Cosmos DB for Table in the place of the storage account's tables, for fleets that outgrow one account. Entra ID alone opens it.

import { cosmosTableDataContributor } from '../roles.bicep'

param location string
param tags object
param name string
param principalId string
param tables string[]
param isPrivate bool

resource account 'Microsoft.DocumentDB/databaseAccounts@2026-03-15' = {
  name: name
  location: location
  tags: tags
  kind: 'GlobalDocumentDB'
  properties: {
    capabilities: [
      { name: 'EnableTable' }
      { name: 'EnableServerless' }
    ]
    // What one instance has written, the next one must read: conditional writes and leases stand on it.
    consistencyPolicy: { defaultConsistencyLevel: 'Strong' }
    databaseAccountOfferType: 'Standard'
    disableLocalAuth: true
    locations: [
      { locationName: location, failoverPriority: 0, isZoneRedundant: false }
    ]
    minimalTlsVersion: 'Tls12'
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
  }

  resource made 'tables' = [for table in tables: {
    name: table
    properties: {
      resource: { id: table }
    }
  }]

  resource contributor 'tableRoleAssignments' = {
    name: guid(account.id, principalId, cosmosTableDataContributor)
    properties: {
      principalId: principalId
      roleDefinitionId: '${account.id}/tableRoleDefinitions/${cosmosTableDataContributor}'
      scope: account.id
    }
  }
}

output id string = account.id
