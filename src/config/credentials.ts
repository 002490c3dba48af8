/** How the router gets into an endpoint. */
import type { EndpointCredential } from '../domain/deployment.ts';
import type { Environment, Report } from './faults.ts';
import { DEFAULT_SCOPE } from './form/endpoint.ts';
import { type Lineage, type Link, nearest } from './lineage.ts';
import { dereference } from './reference.ts';

export function credentialOf(
  name: string,
  lineage: Lineage,
  env: Environment,
  report: Report,
): EndpointCredential | null {
  // The nearest endpoint that says anything about it decides; a key further up is no use to a managed identity.
  const decisive = lineage.links.findIndex(({ own }) => 'auth' in own || 'apiKey' in own);
  const own = lineage.links[decisive]?.own;
  if (own === undefined) return reportNoCredential(name, lineage, report);
  if ('auth' in own && own.auth === undefined) return null;
  if (own.auth === 'managedIdentity') return managedIdentity(lineage, decisive, env, report);
  const key = nearest({ ...lineage, links: lineage.links.slice(decisive) }, 'apiKey');
  if (key === null) return reportNoCredential(name, lineage, report);
  reportIdleIdentity(lineage, report);
  const apiKey = dereference(key.value, key.path, env, report);
  if (apiKey === null) return null;
  if (apiKey === key.value)
    report.note(
      `${report.nameOf(key.path)} holds the key itself; "\${NAME}" with the key in the environment keeps it out of the file.`,
    );
  if (/^[\x21-\x7e]+$/.test(apiKey)) return { kind: 'apiKey', apiKey };
  report.fault({
    path: key.path,
    problem: 'The key holds characters that no key has.',
    found: apiKey,
    allowed: 'letters, digits and punctuation, without spaces',
  });
  return null;
}

function managedIdentity(
  lineage: Lineage,
  decisive: number,
  env: Environment,
  report: Report,
): EndpointCredential | null {
  const link = lineage.links[decisive] as Link;
  if ('apiKey' in link.own) {
    report.fault({
      path: ['endpoints', link.name, 'apiKey'],
      problem: 'The endpoint is entered with a managed identity, so the key beside it can have no use.',
      found: link.own.apiKey,
      allowed: 'either "apiKey", or "auth": "managedIdentity"',
    });
    return null;
  }
  const clientId = nearest(lineage, 'clientId');
  const id = clientId === null ? null : dereference(clientId.value, clientId.path, env, report);
  if (clientId !== null && id === null) return null;
  return { kind: 'managedIdentity', clientId: id, scope: nearest(lineage, 'scope')?.value ?? DEFAULT_SCOPE };
}

function reportIdleIdentity({ links: [nearestLink] }: Lineage, report: Report): void {
  if (nearestLink === undefined) return;
  for (const key of ['clientId', 'scope'] as const) {
    if (nearestLink.own[key] === undefined) continue;
    report.fault({
      path: ['endpoints', nearestLink.name, key],
      problem: `The endpoint is entered with a key, so "${key}" can have no use.`,
      found: nearestLink.own[key],
      allowed: `"${key}" only where "auth" is "managedIdentity"`,
    });
  }
}

function reportNoCredential(name: string, lineage: Lineage, report: Report): null {
  if (!lineage.whole) return null;
  report.fault({
    path: ['endpoints', name, 'apiKey'],
    problem: 'There is no way into the endpoint.',
    allowed: '"apiKey": "${NAME}" with the key in the environment, or "auth": "managedIdentity"',
  });
  return null;
}
