/** Commands that another program of the package goes on with: `start`, `simulate`. */
import type { Call, Command } from '../command.ts';
import type { Exit } from '../failure.ts';

export const START: Command = {
  name: 'start',
  about: 'runs the router on this machine, as npm start does',
  synopsis: '',
  fewest: 0,
  most: 0,
  by: 'program',
  options: {
    port: { value: 'N', about: 'port to listen on (PORT, else 7071; 0 takes a free one)' },
    host: { value: 'H', about: 'address to listen on (127.0.0.1; others need ROUTER_ADMIN_KEY)' },
    config: { value: 'FILE', about: 'configuration (ROUTER_CONFIG, else router.json, else AZURE_OPENAI_* variables)' },
    storage: {
      value: 'S',
      about:
        'memory, a connection string, or the address of a storage account (ROUTER_STORAGE, else AzureWebJobsStorage, else an emulator of its own)',
    },
  },
  more: 'Without any configuration two simulated endpoints are started, so that everything can be tried at once.',
  examples: [
    { line: 'openai-router start', does: 'with what is configured, else with simulated deployments' },
    {
      line: 'openai-router start --port 8080 --config router.json --storage memory',
      does: 'a configuration on a port',
    },
  ],
  run: (call) => go(call, 'start'),
};

export const SIMULATE: Command = {
  name: 'simulate',
  about: 'many instances of the router over made-up deployments, in made-up time',
  synopsis: '[SCENARIO…]',
  fewest: 0,
  most: 100,
  by: 'program',
  options: {
    seed: { value: 'N', about: 'another course of chance (1); the same seed, the same figures' },
    json: { about: 'figures as JSON instead of a table' },
    svg: { value: 'FILE', about: 'draws the run of a single scenario' },
  },
  more: 'The scenarios are in docs/simulation.md. Without one: those that take seconds.',
  examples: [{ line: 'openai-router simulate three --seed 7', does: 'three instances, another course of chance' }],
  run: (call) => go(call, 'simulate'),
};

function go({ on, rest }: Call, program: 'start' | 'simulate'): Promise<Exit> {
  return on.handOver(program, rest);
}
