/** What the process is told from outside, read by its entry files and handed in here. */
import { existsSync, readFileSync } from 'node:fs';
import type { GateSettings } from './accounts/gate.ts';
import { configFromEnvironment, type Parsed, parseConfig } from './config/load.ts';
import { isUnresolved } from './config/reference.ts';
import type { InsightsSettings } from './telemetry/port.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_FILE = 'router.json';

/**
 * The configuration: a file or the document itself in ROUTER_CONFIG, else `router.json` where there is one, else what the
 * environment's quick starts say. `null`: nothing is configured at all.
 */
export function loadConfig(env: Environment, file: string | null): Parsed | null {
  const named = file ?? env['ROUTER_CONFIG']?.trim() ?? '';
  if (named.startsWith('{')) return parseConfig(named, env, 'ROUTER_CONFIG');
  if (named !== '') return readConfig(named, env);
  return existsSync(DEFAULT_FILE) ? readConfig(DEFAULT_FILE, env) : configFromEnvironment(env);
}

function readConfig(path: string, env: Environment): Parsed {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    const problem = `The configuration file cannot be read (${code}).`;
    return {
      ok: false,
      faults: [
        {
          path: 'ROUTER_CONFIG',
          problem,
          found: path,
          allowed: 'the path of a readable file, or a JSON document',
          suggestion: null,
        },
      ],
    };
  }
  return parseConfig(text, env, path);
}

/** Keys that are Key Vault references which could not be followed: they open nothing, and their owner has to be told. */
export function unresolvedKeys(env: Environment): string[] {
  return ['ROUTER_ADMIN_KEY', 'ROUTER_API_KEY'].filter((name) => isUnresolved(env[name]?.trim() ?? ''));
}

export function gateSettings(env: Environment, loopbackOnly: boolean): GateSettings {
  const present = (name: string): string | null => {
    const value = env[name]?.trim() ?? '';
    return value === '' || isUnresolved(value) ? null : value;
  };
  const caller = present('ROUTER_API_KEY');
  return { adminKey: present('ROUTER_ADMIN_KEY'), callerKeys: caller === null ? [] : [caller], loopbackOnly };
}

const ROLE_NAME = 'azure-openai-router';

/** Application Insights, as the Functions host is told of it; `null`: it is not connected. */
export function insightsSettings(env: Environment): InsightsSettings | null {
  const connectionString = env['APPLICATIONINSIGHTS_CONNECTION_STRING']?.trim() ?? '';
  if (connectionString === '') return null;
  const roleName = env['WEBSITE_SITE_NAME']?.trim() ?? '';
  return {
    connectionString,
    identity: identityIn(env['APPLICATIONINSIGHTS_AUTHENTICATION_STRING'] ?? ''),
    roleName: roleName === '' ? ROLE_NAME : roleName,
  };
}

/** `Authorization=AAD`, with `;ClientId=…` for a user-assigned identity. */
function identityIn(text: string): InsightsSettings['identity'] {
  const parts = new Map(
    text.split(';').map((part) => {
      const [name = '', value = ''] = part.split('=', 2);
      return [name.trim().toLowerCase(), value.trim()] as const;
    }),
  );
  if (parts.get('authorization')?.toLowerCase() !== 'aad') return null;
  const clientId = parts.get('clientid') ?? '';
  return { clientId: clientId === '' ? null : clientId };
}
