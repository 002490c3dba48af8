// One Azure OpenAI account with its deployments, open to the router's identity and to no key.

import { roles } from '../roles.bicep'
import { newDeployment } from '../types.bicep'

param location string
param tags object
param name string
param principalId string
param deployments newDeployment[]
param isPrivate bool

resource account 'Microsoft.CognitiveServices/accounts@2025-12-01' = {
  name: name
  location: location
  tags: tags
  kind: 'OpenAI'
  sku: { name: 'S0' }
  properties: {
    // Entra ID asks for a host of the account's own.
    customSubDomainName: name
    disableLocalAuth: true
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    networkAcls: { defaultAction: isPrivate ? 'Deny' : 'Allow' }
  }
}

// One after the other: an account refuses to make two at once.
@batchSize(1)
resource made 'Microsoft.CognitiveServices/accounts/deployments@2025-12-01' = [for deployment in deployments: {
  parent: account
  name: deployment.name
  sku: { name: deployment.sku, capacity: deployment.capacity }
  properties: {
    model: { format: 'OpenAI', name: deployment.model, version: deployment.version }
    // A model that changes under a pool changes its prices and its answers: upgrades are the owner's to make.
    versionUpgradeOption: 'NoAutoUpgrade'
  }
}]

resource user 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, principalId, roles.openAiUser)
  scope: account
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.openAiUser)
  }
}

output id string = account.id
