// The router's charts. workbook.json is made of the questions in docs/telemetry.md by scripts/generate-workbook.ts.

param location string
param tags object
param insightsId string

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'azure-openai-router')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    category: 'workbook'
    displayName: 'Azure OpenAI router'
    serializedData: loadTextContent('../workbook.json')
    sourceId: insightsId
    version: '1.0'
  }
}
