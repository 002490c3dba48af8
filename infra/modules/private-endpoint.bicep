// One resource, reached from the network as if it stood in it.

param location string
param tags object
param name string
param subnetId string
param targetId string
@description('Which part of the target: blob, table, vault, account, Table.')
param part string
@description('The private DNS zone that names it, in this resource group.')
param zoneName string

resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' existing = {
  name: zoneName
}

resource endpoint 'Microsoft.Network/privateEndpoints@2025-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    subnet: { id: subnetId }
    privateLinkServiceConnections: [
      {
        name: part
        properties: { privateLinkServiceId: targetId, groupIds: [part] }
      }
    ]
  }

  resource names 'privateDnsZoneGroups' = {
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        { name: part, properties: { privateDnsZoneId: zone.id } }
      ]
    }
  }
}
