// npm install ai @ai-sdk/azure zod
import { createAzure } from '@ai-sdk/azure';
import { generateText, Output, streamText } from 'ai';
import { z } from 'zod';

const url = process.env.ROUTER_URL ?? 'http://127.0.0.1:7071';

const azure = createAzure({
  baseURL: `${url}/openai`,
  apiKey: process.env.ROUTER_KEY ?? 'local',
  headers: { 'x-agent-name': 'cpt_agent' },
});
// azure('gpt-4.1') speaks the Responses API, azure.chat('gpt-4.1') chat completions; the router takes both.
const model = azure.chat('gpt-4.1');

const { textStream } = streamText({ model, prompt: 'How tall is the house?' });
for await (const part of textStream) process.stdout.write(part);
console.log();

const { output } = await generateText({
  model,
  prompt: 'Knee pain since yesterday, cannot walk.',
  output: Output.object({ schema: z.object({ code: z.string(), urgent: z.boolean() }) }),
});
console.log('code', output.code, output.urgent ? 'urgent' : 'not urgent');
