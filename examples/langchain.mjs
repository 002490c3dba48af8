// npm install @langchain/openai @langchain/core zod
import { AzureChatOpenAI, ChatOpenAI } from '@langchain/openai';
import { z } from 'zod';

const url = process.env.ROUTER_URL ?? 'http://127.0.0.1:7071';
const apiKey = process.env.ROUTER_KEY ?? 'local';
const defaultHeaders = { 'x-agent-name': 'cpt_agent' };

// The router retries on other deployments; LangChain's own six retries would only add to that.
const azure = new AzureChatOpenAI({
  azureOpenAIEndpoint: url,
  azureOpenAIApiKey: apiKey,
  azureOpenAIApiVersion: '2025-01-01-preview',
  azureOpenAIApiDeploymentName: 'gpt-4.1',
  maxRetries: 1,
  configuration: { defaultHeaders },
});
for await (const part of await azure.stream('How tall is the house?')) process.stdout.write(part.text);
console.log();

const openai = new ChatOpenAI({
  model: 'gpt-4.1',
  apiKey,
  maxRetries: 1,
  configuration: { baseURL: `${url}/openai/v1`, defaultHeaders },
});
const Visit = z.object({ code: z.string(), urgent: z.boolean() });
const visit = await openai.withStructuredOutput(Visit).invoke('Knee pain since yesterday, cannot walk.');
console.log('code', visit.code, visit.urgent ? 'urgent' : 'not urgent');
