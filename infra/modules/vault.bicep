// Secrets that no role can replace: the admin key, and the keys of endpoints that know nothing else.

import { roles } from '../roles.bicep'

param location string
param tags object
param name string
param principalId string
@secure()
param adminKey string
param isPrivate bool

resource vault 'Microsoft.KeyVault/vaults@2025-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    enableRbacAuthorization: true
    enablePurgeProtection: true
    enableSoftDelete: true
    // The name is free again so many days after the vault was deleted.
    softDeleteRetentionInDays: 7
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: isPrivate ? 'Deny' : 'Allow'
    }
    sku: { family: 'A', name: 'standard' }
    tenantId: tenant().tenantId
  }

  resource admin 'secrets' = {
    name: 'router-admin-key'
    properties: {
      contentType: 'text/plain'
      value: adminKey
    }
  }
}

resource reader 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, principalId, roles.keyVaultSecretsUser)
  scope: vault
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.keyVaultSecretsUser)
  }
}

output id string = vault.id
output url string = 'https://${name}${environment().suffixes.keyvaultDns}'
