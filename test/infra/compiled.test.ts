/** The compiler's own word, where the compiler is to be had; and the reader's, held to it. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findBicep } from '../../scripts/bicep.ts';
import { formsOf, INFRA } from './template.ts';

const MAIN = join(INFRA, 'main.bicep');
const bicep = findBicep();
if (bicep.kind === 'missing')
  console.log(`skipped: ${bicep.reason}. The templates are read by test/infra/bicep alone.`);
const path = bicep.kind === 'found' ? bicep.path : '';

interface Template {
  readonly resources?:
    | Readonly<
        Record<
          string,
          Template & { type: string; apiVersion: string; existing?: boolean; properties?: { template?: Template } }
        >
      >
    | readonly (Template & { type: string; apiVersion: string; properties?: { template?: Template } })[];
}

function typesIn({ resources = {} }: Template): string[] {
  return Object.values(resources)
    .filter((one) => !('existing' in one && one.existing === true))
    .flatMap(({ type, apiVersion, properties, ...more }) => [
      ...(type === 'Microsoft.Resources/deployments' ? [] : [`${type}@${apiVersion}`]),
      ...typesIn(properties?.template ?? {}),
      ...typesIn(more),
    ]);
}

test.skipIf(path === '')('main.bicep compiles and lints without a word', () => {
  const { stderr, status } = spawnSync(path, ['build', MAIN, '--stdout'], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  expect([status, stderr.trim()]).toEqual([0, '']);
  const lint = spawnSync(path, ['lint', MAIN], { encoding: 'utf8' });
  expect([lint.status, lint.stderr.trim()]).toEqual([0, '']);
});

test.skipIf(path === '')('the compiler sees the resources that the reader sees', () => {
  const { stdout } = spawnSync(path, ['build', MAIN, '--stdout'], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  const compiled = new Set(typesIn(JSON.parse(stdout) as Template));
  const read = new Set(
    Object.values(formsOf()).flatMap(({ resources }) =>
      resources.map(({ type, apiVersion }) => `${type}@${apiVersion}`),
    ),
  );
  expect([...read].sort()).toEqual([...compiled].sort());
});
