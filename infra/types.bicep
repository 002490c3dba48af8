// What the parameters hold. No resource is declared here.

@export()
@description('A model deployment that is made.')
type newDeployment = {
  @description('Its name in Azure.')
  name: string
  @description('The model: the pool that callers name is called like it.')
  model: string
  version: string
  @description('How its capacity is bought: GlobalStandard, DataZoneStandard, Standard, GlobalProvisionedManaged, …')
  sku: string
  @description('Thousands of tokens a minute, or provisioned throughput units.')
  @minValue(1)
  capacity: int
}

@export()
@description('An Azure OpenAI account that is made.')
type newAccount = {
  @description('The name of the endpoint in the router: deployments are called <name>/<deployment>.')
  @maxLength(30)
  name: string
  region: string
  deployments: newDeployment[]
}

@export()
@description('A deployment that is there already.')
type knownDeployment = {
  name: string
  model: string
  @description('standard, where tokens are paid for, or ptu.')
  kind: ('standard' | 'ptu')?
}

@export()
@description('An Azure OpenAI account that is there already, in whatever resource group and subscription of the tenant.')
type existingAccount = {
  @description('The name of the endpoint in the router.')
  name: string
  @description('The name of the resource.')
  accountName: string
  resourceGroup: string
  @description('Absent: the subscription that is deployed to.')
  subscriptionId: string?
  region: string
  @description('Where it answers, without /openai.')
  url: string
  deployments: knownDeployment[]
}

@export()
@description('What the router has to know of an endpoint.')
type endpoint = {
  name: string
  url: string
  region: string
  deployments: knownDeployment[]
}

@export()
@description('A secret of the vault that the app reads as an environment variable, for endpoints that know keys alone.')
type foreignKey = {
  @description('The name between the braces of apiKey in routerSettings.')
  setting: string
  @description('The name of the secret in the vault.')
  secret: string
}

@export()
@description('A monthly budget on the resource group.')
type budget = {
  @minValue(1)
  usdPerMonth: int
  @description('The first of a month, as 2027-01-01. It cannot be changed afterwards.')
  startDate: string
  emails: string[]
}

@export()
@description('Where Application Insights tells of trouble, and from what on.')
type alertSettings = {
  @description('Who gets a mail. Nobody: the alerts are seen in the portal alone.')
  emails: string[]
  @minValue(1)
  usdPerDay: int
  @description('Breakers that may open within an hour.')
  openingsPerHour: int
}
