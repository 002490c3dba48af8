/** `${NAME}`: a value that stands in the environment instead of the document. */
import { nearMiss } from '../domain/nearest.ts';
import type { Environment, Path, Report } from './faults.ts';

/** `null` where the value is missing, which has then been reported. */
export function dereference(value: string | undefined, path: Path, env: Environment, report: Report): string | null {
  if (value === undefined) return null;
  const name = /^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$/.exec(value)?.[1];
  if (name === undefined) {
    if (!value.includes('${')) return value;
    report.fault({
      path,
      problem: 'An environment variable can only be the whole value.',
      found: value,
      allowed: '"${NAME}", nothing before it or after it',
    });
    return null;
  }
  const held = env[name]?.trim();
  if (held !== undefined && isUnresolved(held)) {
    report.fault({
      path,
      problem: `The environment variable ${name} is a Key Vault reference that has not been resolved.`,
      found: value,
      allowed: "a reference that resolves: the app's identity may read the secret, and the secret exists",
    });
    return null;
  }
  if (held !== undefined && held !== '') return held;
  const others = Object.keys(env).filter((other) => env[other]?.trim());
  report.fault({
    path,
    problem: `The environment variable ${name} is ${held === undefined ? 'not set' : 'empty'}.`,
    found: value,
    allowed: `a value for ${name} in the environment`,
    suggestion: nearMiss(name, others),
  });
  return null;
}

/** App Service leaves the reference itself in the environment where it cannot follow it: no secret, and known to whoever reads the template. */
export function isUnresolved(value: string): boolean {
  return /^@Microsoft\.(KeyVault|AppConfiguration)\(/i.test(value);
}
