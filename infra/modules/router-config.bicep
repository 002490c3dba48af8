// The router's configuration, of the very values that the deployments are made of. No resource is declared here: a module can be
// handed what only other modules know (the identity's client id), which a variable cannot compute with.

import { endpoint } from '../types.bicep'

@description('In order of preference: the first one with a model is the first of its pool.')
param endpoints endpoint[]
param clientId string
@description('Whatever else router.json may hold. It wins over what is made here.')
param settings object

var offers = flatten(map(endpoints, at => map(at.deployments, deployment => {
  id: '${at.name}/${deployment.name}'
  model: deployment.model
})))

// Each once, in the order of the first that offers it.
var models = union(map(offers, offer => offer.model), [])

var made = {
  endpoints: toObject(endpoints, at => at.name, at => {
    url: at.url
    auth: 'managedIdentity'
    clientId: clientId
    region: at.region
    deployments: toObject(at.deployments, deployment => deployment.name, deployment => {
      model: deployment.model
      kind: deployment.?kind ?? 'standard'
    })
  })
  pools: toObject(models, model => model, model => {
    strategy: 'priority'
    members: map(filter(offers, offer => offer.model == model), offer => offer.id)
  })
}

// Nothing is said where there is nothing to say: the app then looks for a router.json in its package.
var config = union(empty(endpoints) ? {} : made, settings)

output text string = empty(config) ? '' : string(config)
