import { formatFaults, formatFaultsAsJson } from '../../config/faults.ts';
import type { RouterConfig } from '../../domain/config.ts';
import { type Call, type Command, printJson } from '../command.ts';
import { clean, EXIT, type Exit, Failure } from '../failure.ts';
import { type Section, sectionsOf } from '../meaning/sections.ts';
import { type Warning, warningsOf } from '../meaning/warnings.ts';

export const CHECK: Command = {
  name: 'check',
  about: 'reads a configuration and says what it means, or everything that is wrong with it',
  synopsis: '[FILE]',
  fewest: 0,
  most: 1,
  by: 'itself',
  options: {},
  more:
    'Without FILE it reads what the router would: ROUTER_CONFIG, else router.json, else the AZURE_OPENAI_* variables. ' +
    'It calls nobody: openai-router probe asks the deployments. Leaves with 78 where there are faults; warnings are none.',
  examples: [
    { line: 'openai-router check router.json', does: 'what does it mean?' },
    { line: 'openai-router check router.json --json | jq .faults', does: 'in a pipeline' },
  ],
  run,
};

async function run(call: Call): Promise<Exit> {
  const { words, on, json } = call;
  const parsed = on.loadConfig(words[0] ?? null);
  if (parsed === null) throw nothing();
  if (!parsed.ok) {
    call.print(
      `${json ? formatFaultsAsJson(parsed.faults) : formatFaults(parsed.faults).split('\n').map(clean).join('\n')}\n`,
    );
    return EXIT.faultyConfiguration;
  }
  const warnings = await warningsOf(parsed.config, on.isPriced);
  const { notes } = parsed;
  if (json) printJson(call, { faults: [], warnings, notes });
  else call.print(meaningText(parsed.config, { warnings, notes }, call));
  return EXIT.ok;
}

function nothing(): Failure {
  return new Failure({
    exit: EXIT.faultyConfiguration,
    problem: 'Nothing is configured: there is no ROUTER_CONFIG, no router.json here and no AZURE_OPENAI_ENDPOINT.',
    attempt: 'openai-router check FILE; openai-router start serves simulated deployments meanwhile',
  });
}

interface Remarks {
  readonly warnings: readonly Warning[];
  readonly notes: readonly string[];
}

function meaningText(config: RouterConfig, { warnings, notes }: Remarks, { paint }: Pick<Call, 'paint'>): string {
  const { endpoints, deployments, pools } = config;
  const counts = [
    counted(endpoints.size, 'endpoint'),
    counted(deployments.size, 'deployment'),
    counted(pools.size, 'pool'),
  ];
  const remarks = warnings.length === 0 ? 'no warnings' : counted(warnings.length, 'warning');
  const parts = [
    paint(warnings.length === 0 ? 'green' : 'yellow', `The configuration is valid: ${counts.join(', ')}; ${remarks}.`),
    ...sectionsOf(config).map((section) => sectionText(section, paint)),
  ];
  if (warnings.length > 0)
    parts.push(
      [paint('yellow', 'Warnings'), ...warnings.map(({ path, problem }) => `  ${clean(`${path} ${problem}`)}`)].join(
        '\n',
      ),
    );
  if (notes.length > 0) parts.push([paint('bold', 'Notes'), ...notes.map((note) => `  ${clean(note)}`)].join('\n'));
  return `${parts.join('\n\n')}\n`;
}

function counted(count: number, what: string): string {
  return count === 1 ? `one ${what}` : `${count} ${what}s`;
}

const WIDEST_NAME = 32;

function sectionText({ title, rows }: Section, paint: Call['paint']): string {
  const width = Math.min(WIDEST_NAME, Math.max(...rows.map(([name]) => name.length)));
  const lines = rows.map(([name, text]) => `  ${clean(name).padEnd(width)}  ${clean(text)}`);
  return [paint('bold', title), ...lines].join('\n');
}
