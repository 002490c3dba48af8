// A network of the router's own: its instances in one subnet, private endpoints in another, and the names these are found by.

param location string
param tags object
param name string
@description('A /24 or larger that no peered network uses.')
param addressPrefix string

var zones = {
  blob: 'privatelink.blob.${environment().suffixes.storage}'
  table: 'privatelink.table.${environment().suffixes.storage}'
  vault: 'privatelink.vaultcore.azure.net'
  openAi: 'privatelink.openai.azure.com'
  cosmos: 'privatelink.table.cosmos.azure.com'
}

resource rules 'Microsoft.Network/networkSecurityGroups@2025-07-01' = {
  name: 'nsg-${name}'
  location: location
  tags: tags
}

resource network 'Microsoft.Network/virtualNetworks@2025-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: [addressPrefix] }
    subnets: [
      {
        // An instance takes no address of its own here: a /26 carries Flex Consumption's thousand.
        name: 'instances'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 26, 0)
          delegations: [
            { name: 'flex', properties: { serviceName: 'Microsoft.App/environments' } }
          ]
          networkSecurityGroup: { id: rules.id }
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 26, 1)
          networkSecurityGroup: { id: rules.id }
          privateEndpointNetworkPolicies: 'Disabled'
        }
      }
    ]
  }
}

resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' = [for entry in items(zones): {
  name: entry.value
  location: 'global'
  tags: tags
}]

resource link 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [for (entry, at) in items(zones): {
  parent: zone[at]
  name: name
  location: 'global'
  tags: tags
  properties: {
    registrationEnabled: false
    virtualNetwork: { id: network.id }
  }
}]

output instancesSubnetId string = '${network.id}/subnets/instances'
output endpointsSubnetId string = '${network.id}/subnets/endpoints'
output zones object = zones
