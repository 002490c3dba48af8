/** What the tests of this folder share: how to get at a configuration, or at its faults. */

import { formatFaults } from '../../src/config/faults.ts';
import { type Parsed, parseConfig } from '../../src/config/load.ts';
import type { RouterConfig } from '../../src/domain/config.ts';
import type { Fault } from '../../src/domain/fault.ts';

export const KEY = '0123456789abcdef0123456789abcdef';
export const ENV = { AZURE_OPENAI_API_KEY: KEY };

export const ONE = {
  endpoints: {
    A: { url: 'https://one.openai.azure.com', apiKey: '${AZURE_OPENAI_API_KEY}', deployments: { 'gpt-4.1': {} } },
  },
};

type Env = Readonly<Record<string, string | undefined>>;

export function parse(document: unknown, env: Env = ENV): Parsed {
  return parseConfig(typeof document === 'string' ? document : JSON.stringify(document), env, 'router.json');
}

export function accepted(parsed: Parsed | null): { config: RouterConfig; notes: readonly string[] } {
  if (parsed === null) throw new Error('nothing is configured');
  if (!parsed.ok) throw new Error(formatFaults(parsed.faults));
  return parsed;
}

export function refused(parsed: Parsed | null): readonly Fault[] {
  if (parsed === null) throw new Error('nothing is configured');
  if (parsed.ok) throw new Error('the configuration was accepted');
  return parsed.faults;
}

export function faultAt(faults: readonly Fault[], path: string): Fault {
  const fault = faults.find((known) => known.path === path);
  if (fault === undefined)
    throw new Error(`no fault at ${path}, only at ${faults.map((known) => known.path).join(', ')}`);
  return fault;
}
