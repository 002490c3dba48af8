/** `npm run simulator`: the fake Azure OpenAI alone, on ports of its own. */
import { onOrphaned } from '../lifetime/orphan.ts';
import { type Options, readOptions, USAGE } from './program-options.ts';
import { defaultFleet, type Simulator, startSimulator } from './server.ts';

async function run(options: Options): Promise<void> {
  const { names, port, key, host, latency } = options;
  const endpoints = defaultFleet(names, key).map((endpoint, index) => ({
    ...endpoint,
    port: port === 0 ? 0 : port + index,
    latency,
  }));
  const simulator = await startSimulator({ endpoints, host });
  greet(simulator, key);
  const close = () => {
    simulator.close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.once('SIGINT', close).once('SIGTERM', close);
  if (process.env['npm_lifecycle_event'] !== undefined) onOrphaned(close);
}

function greet({ endpoints }: Simulator, key: string): void {
  const [first] = endpoints;
  const deployments = first?.deployments.map(({ name }) => name).join(', ');
  const where = endpoints.map(({ name, url }) => `endpoint ${name}: ${url}`).join('\n');
  process.stdout.write(
    `Simulated Azure OpenAI. Key: ${key}\nDeployments on every endpoint: ${deployments}\n${where}\n`,
  );
  for (const { url } of endpoints) process.stdout.write(`ready ${url}\n`);
}

const read = readOptions(process.argv.slice(2));
switch (read.kind) {
  case 'help':
    process.stdout.write(USAGE);
    break;
  case 'wrong':
    process.stderr.write(`${read.problems.join('\n')}\n\n${USAGE}`);
    process.exitCode = 2;
    break;
  case 'run':
    run(read.options).catch((error: unknown) => {
      process.stderr.write(`The simulator cannot start: ${error instanceof Error ? error.message : String(error)}\n`);
      process.exitCode = 1;
    });
    break;
  default:
    read satisfies never;
}
