export interface GreetingFacts {
  readonly url: string;
  readonly pool: string;
  readonly keyNeeded: boolean;
  /** Where the state lies. */
  readonly state: string;
  readonly notes: readonly string[];
  readonly simulated: readonly string[];
}

/** What a person reads once the router accepts requests: something to paste, and where to look. */
export function greeting({ url, pool, keyNeeded, state, notes, simulated }: GreetingFacts): string {
  const key = keyNeeded ? '$ROUTER_KEY' : 'local';
  const lines = [
    ...notes.map((note) => `note: ${note}`),
    ...(simulated.length === 0
      ? []
      : [
          `Nothing is configured, so ${simulated.length} simulated endpoints serve: ${simulated.join(', ')} (see docs/simulator.md).`,
        ]),
    `State lies in ${state}.`,
    `ready ${url}`,
    '',
    'Try it:',
    `  curl ${url}/v1/chat/completions -H 'content-type: application/json'${keyNeeded ? ` -H "api-key: ${key}"` : ''} \\`,
    `    -d '{"model": "${pool}", "messages": [{"role": "user", "content": "Hello"}]}'`,
    '',
    'From a program:',
    "  import { AzureOpenAI } from 'openai';",
    `  const client = new AzureOpenAI({ endpoint: '${url}', apiKey: '${key}', apiVersion: '2025-01-01-preview' });`,
    `  await client.chat.completions.create({ model: '${pool}', messages: [{ role: 'user', content: 'Hello' }] });`,
    '',
    `Look at ${url}/`,
    '',
  ];
  return lines.join('\n');
}
