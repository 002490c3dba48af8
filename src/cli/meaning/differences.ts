import { parseConfig } from '../../config/load.ts';
import type { RouterConfig } from '../../domain/config.ts';
import { exactSpan } from '../instants.ts';

const PARTS = ['timeouts', 'retries', 'breaker', 'cache', 'limits', 'quotas', 'usage', 'telemetry'] as const;

/** The smallest configuration there is: what it does not say is the default. */
const SMALLEST =
  '{"endpoints": {"A": {"url": "https://a.example", "auth": "managedIdentity", "api": "v1", "deployments": {"d": {}}}}}';

/** The settings that are other than the defaults, with these beside them. */
export function differences(config: RouterConfig): [string, string][] {
  const usual = parseConfig(SMALLEST, {}, 'the defaults');
  if (!usual.ok) return [];
  return PARTS.flatMap((part) => {
    const defaults = new Map<string, unknown>(Object.entries(usual.config[part]));
    return Object.entries(config[part])
      .filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(defaults.get(name)))
      .map(([name, value]): [string, string] => [
        `${part}.${name}`,
        `${shown(name, value)} instead of ${shown(name, defaults.get(name))}`,
      ]);
  });
}

function shown(name: string, value: unknown): string {
  if (value === null || value === undefined) return 'what suits';
  if (typeof value === 'number' && name.endsWith('Ms')) return exactSpan(value);
  if (typeof value === 'number' && name.endsWith('Percent')) return `${value} %`;
  return typeof value === 'string' ? value : JSON.stringify(value);
}
