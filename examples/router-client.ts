// The router's own client: OpenAI's, with what the router adds. npm install openai zod
import { createRouterClient, isQuotaExceeded, isUnavailable, routeOf } from 'azure-openai-router/client';
import { z } from 'zod';

const router = createRouterClient({
  baseUrl: process.env['ROUTER_URL'] ?? 'http://127.0.0.1:7071',
  apiKey: process.env['ROUTER_KEY'] ?? 'local',
  agent: 'cpt_agent',
  operation: 'coding',
});

// Text, and data with the type of the schema.
const { text, usage } = await router.generateText({ prompt: 'How tall is the house?', model: 'gpt-4.1' });
console.log(text, usage?.costUsd);

const Visit = z.object({ code: z.string().describe('a CPT code'), urgent: z.boolean() });
const { data } = await router.generateStructured({
  prompt: 'Knee pain since yesterday, cannot walk.',
  schema: Visit,
  model: 'gpt-4.1',
});
console.log('code', data.code.toUpperCase(), data.urgent ? 'urgent' : 'not urgent');

// Everything a stock client does; another agent; one call in another tier of your configuration: { headers: routerHeaders({ tier: 'premium' }) }.
try {
  const { response } = await router
    .forAgent('icd_agent')
    .chat.completions.create({ model: 'gpt-4.1', messages: [{ role: 'user', content: 'Hello' }] })
    .withResponse();
  console.log('served by', routeOf(response)?.deployment);
} catch (error) {
  if (isQuotaExceeded(error)) console.error('No more for today.');
  else if (isUnavailable(error)) console.error('No deployment can serve right now.');
  else throw error;
}
