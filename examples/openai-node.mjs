// npm install openai
import { AzureOpenAI, OpenAI } from 'openai';

const url = process.env.ROUTER_URL ?? 'http://127.0.0.1:7071';
const apiKey = process.env.ROUTER_KEY ?? 'local';
const defaultHeaders = { 'x-agent-name': 'cpt_agent' };

// Where AzureOpenAI is in use, its endpoint is the only change.
const azure = new AzureOpenAI({ endpoint: url, apiKey, apiVersion: '2025-01-01-preview', defaultHeaders });
const { data, response } = await azure.chat.completions
  .create({ model: 'gpt-4.1', messages: [{ role: 'user', content: 'How tall is the house?' }] })
  .withResponse();
console.log(data.choices[0]?.message.content);
console.log('served by', response.headers.get('x-router-deployment'));

// Where OpenAI is in use, its base URL.
const openai = new OpenAI({ baseURL: `${url}/openai/v1`, apiKey, defaultHeaders });
const stream = await openai.chat.completions.create({
  model: 'gpt-4.1',
  messages: [{ role: 'user', content: 'Tell me a story' }],
  stream: true,
});
for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta.content ?? '');
console.log();
