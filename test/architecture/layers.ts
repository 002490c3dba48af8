/**
 * Who may import whom, as data. DESIGN's picture reads from left to right; so do these lists: a folder of `src/` may import itself
 * and the folders named beside it, nothing else. Type imports count, for a type ties two places together as well.
 */
export const LAYERS: Readonly<Record<string, readonly string[]>> = {
  // The words. They know nobody.
  domain: [],
  // Pure: bytes and decisions.
  body: ['domain'],
  routing: ['domain', 'body'],
  // Pure: what all instances hold true together.
  fleet: ['domain', 'routing'],
  config: ['domain'],
  // What models can do, as data.
  models: ['domain'],
  // Adapters beside the relay.
  store: [],
  state: ['domain', 'routing', 'fleet', 'store', 'telemetry'],
  upstream: ['domain', 'body'],
  telemetry: ['domain'],
  accounts: ['domain', 'store', 'state', 'telemetry'],
  usage: ['domain', 'store', 'state', 'telemetry'],
  // One request, in a straight line.
  cache: ['domain'],
  relay: ['domain', 'body', 'routing', 'models', 'state', 'upstream', 'accounts', 'usage', 'cache', 'telemetry'],
  // Dialects, authentication and the control plane; not config, whose trusted values are domain types.
  http: [
    'domain',
    'body',
    'routing',
    'models',
    'generate',
    'state',
    'upstream',
    'accounts',
    'usage',
    'telemetry',
    'relay',
  ],
  // The two hosts.
  functions: ['domain', 'relay', 'http'],
  server: ['domain', 'relay', 'http'],
  // Beside the house.
  generate: ['domain', 'models', 'relay'],
  client: ['domain'],
  simulator: ['domain', 'lifetime'],
  // Runs whole fleets of the real router; from the fake Azure OpenAI it takes chance with a seed alone.
  simulation: [
    'domain',
    'body',
    'routing',
    'fleet',
    'config',
    'store',
    'state',
    'upstream',
    'telemetry',
    'accounts',
    'usage',
    'cache',
    'relay',
    'simulator',
  ],
  // What ends a process.
  lifetime: [],
  // The command line: a caller of the control plane like any other; configurations it reads itself.
  cli: ['domain', 'config'],
  dashboard: ['domain'],
};

/** The same for the files directly in `src/`: what starts a process, and the one that puts the parts together. */
export const TOP_FILES: Readonly<Record<string, readonly string[]>> = {
  // The only file that knows every adapter, and no host.
  'compose.ts': [
    ...Object.keys(LAYERS).filter(
      (folder) => !['functions', 'server', 'client', 'simulator', 'simulation'].includes(folder),
    ),
    'clocks.ts',
    'identity.ts',
    'opening.ts',
    'sweeping.ts',
    'dashboardFiles.ts',
  ],
  'clocks.ts': ['domain'],
  'identity.ts': ['upstream'],
  'opening.ts': ['domain', 'store', 'state', 'identity.ts'],
  'sweeping.ts': ['store', 'state', 'accounts', 'usage'],
  'main.ts': ['domain', 'functions', 'store', 'telemetry', 'compose.ts', 'settings.ts', 'dashboardFiles.ts'],
  'local.ts': ['start.ts'],
  'dashboardFiles.ts': ['http'],
  'dashboardBuild.ts': ['http', 'dashboardFiles.ts'],
  'start.ts': [
    'domain',
    'config',
    'lifetime',
    'server',
    'simulator',
    'clocks.ts',
    'compose.ts',
    'dashboardBuild.ts',
    'settings.ts',
    'arguments.ts',
    'greeting.ts',
    'storage.ts',
    'telemetry',
  ],
  // Hands over to the local router and to the simulation, and tells the command line which models have a price.
  'cli.ts': ['cli', 'usage', 'simulation', 'settings.ts', 'local.ts'],
  'settings.ts': ['domain', 'config', 'accounts', 'telemetry'],
  'storage.ts': ['store'],
  'arguments.ts': [],
  'greeting.ts': [],
};

/** Where a place may know only the types of another: its port, not the adapter behind it. */
export const TYPES_ONLY: Readonly<Record<string, readonly string[]>> = {
  // What agents import must not drag the router's code along.
  client: ['domain'],
  // compose.ts hands the adapters in.
  http: ['state', 'upstream', 'telemetry'],
  'settings.ts': ['accounts', 'telemetry'],
  // What the page is, not how it is answered with; a build knows where it will be found.
  'dashboardFiles.ts': ['http'],
  // The state is told of what happens, and tells it to whoever listens.
  state: ['telemetry'],
  simulation: ['telemetry'],
};

/** Each SDK has one home. A package that is not named here may not be imported from `src/`. */
export const SDK_HOMES: Readonly<Record<string, readonly string[]>> = {
  '@azure/functions': ['functions', 'main.ts'],
  '@azure/data-tables': ['store'],
  '@azure/identity': ['identity.ts'],
  '@azure/monitor-opentelemetry-exporter': ['telemetry'],
  '@opentelemetry/resources': ['telemetry'],
  '@opentelemetry/sdk-logs': ['telemetry'],
  '@opentelemetry/sdk-metrics': ['telemetry'],
  azurite: ['store'],
  // Where it is installed: the bundle has no need of it.
  esbuild: ['dashboardBuild.ts'],
  'gpt-tokenizer': ['usage'],
  jose: ['accounts'],
  'jsonc-parser': ['config'],
  '@cfworker/json-schema': ['generate'],
  openai: ['client', 'generate'],
  undici: ['upstream'],
  uplot: ['dashboard'],
  zod: ['config'],
};

/** Neither the operating system nor the network is anywhere near these. */
export const WITHOUT_NODE = ['domain', 'routing', 'fleet'];

/** Only what starts a process reads its environment; everybody else is told. */
export const MAY_READ_ENVIRONMENT = ['main.ts', 'start.ts', 'cli.ts', 'simulator/program.ts'];

/** The same arguments, the same answer: time, chance and waiting are the caller's business. */
export const PURE = ['domain', 'routing', 'fleet'];
export const IMPURE: Readonly<Record<string, RegExp>> = {
  await: /\bawait\b/,
  Date: /\bDate\b(?!\.(?:parse|UTC)\b)/,
  'Math.random': /\bMath\.random\b/,
  process: /\bprocess\b/,
  performance: /\bperformance\b/,
  crypto: /\bcrypto\b/,
  timers: /\bset(?:Timeout|Interval|Immediate)\b/,
};

/** Names that say nothing: the folder list is the glossary. */
export const EMPTY_NAMES = [
  'utils',
  'util',
  'common',
  'helpers',
  'helper',
  'types',
  'services',
  'service',
  'misc',
  'lib',
  'shared',
];

export const MAX_LINES = 300;
