// The built-in roles that are given to the router's identity, and no others. test/infra holds this list to docs/deploy.md.

@export()
var roles = {
  keyVaultSecretsUser: '4633458b-17de-408a-b874-0445c86b69e6'
  monitoringMetricsPublisher: '3913510d-42f4-4e42-8a64-420c390055eb'
  openAiUser: '5e0bd9bd-7b93-4f28-af87-19fc36ad61bd'
  storageBlobDataOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  storageTableDataContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
}

@export()
@description('Cosmos DB has roles of its own for data: this one reads and writes tables.')
var cosmosTableDataContributor = '00000000-0000-0000-0000-000000000002'
