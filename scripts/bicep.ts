/**
 * Finds the Bicep compiler, or gets it: `node scripts/bicep.ts` looks on the PATH, then in node_modules/.cache/bicep, then asks the .NET
 * SDK for the package Azure.Bicep.CommandLine from whatever source NuGet is configured with. Tests take what is there and get nothing.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CACHE = fileURLToPath(new URL('../node_modules/.cache/bicep', import.meta.url));

export type Found =
  | { readonly kind: 'found'; readonly path: string }
  | { readonly kind: 'missing'; readonly reason: string };

/** The newest one: the versions of Azure's interfaces that it knows come with it. */
const VERSION = '0.*';

export function findBicep(): Found {
  if (spawnSync('bicep', ['--version']).status === 0) return { kind: 'found', path: 'bicep' };
  const cached = cachedBicep(CACHE);
  if (cached !== null) return { kind: 'found', path: cached };
  return { kind: 'missing', reason: 'bicep is not on the PATH, and node scripts/bicep.ts has not brought it' };
}

export function getBicep(): Found {
  const found = findBicep();
  if (found.kind === 'found') return found;
  const name = packageName();
  if (name === null)
    return { kind: 'missing', reason: `there is no package of it for ${process.platform} on ${process.arch}` };
  const folder = mkdtempSync(join(tmpdir(), 'bicep-'));
  try {
    writeFileSync(join(folder, 'bicep.csproj'), project(name));
    mkdirSync(CACHE, { recursive: true });
    const { status, stdout, error } = spawnSync('dotnet', ['restore', '--packages', CACHE], {
      cwd: folder,
      encoding: 'utf8',
    });
    if (error !== undefined)
      return { kind: 'missing', reason: `the .NET SDK, which would get it, is not there (${error.message})` };
    const path = cachedBicep(CACHE);
    if (status === 0 && path !== null) return { kind: 'found', path };
    return {
      kind: 'missing',
      reason: /error (NU\d+: .*)/.exec(stdout)?.[1] ?? `dotnet restore ended with ${String(status)}`,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function packageName(): string | null {
  const system = { linux: 'linux', darwin: 'osx', win32: 'win' }[process.platform as string];
  return system === undefined || !['x64', 'arm64'].includes(process.arch)
    ? null
    : `Azure.Bicep.CommandLine.${system}-${process.arch}`;
}

function project(name: string): string {
  return `<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup><TargetFramework>net8.0</TargetFramework><DisableImplicitFrameworkReferences>true</DisableImplicitFrameworkReferences></PropertyGroup>
  <ItemGroup><PackageReference Include="${name}" Version="${VERSION}" /></ItemGroup>
</Project>
`;
}

function cachedBicep(cache: string): string | null {
  if (!existsSync(cache)) return null;
  const files = readdirSync(cache, { recursive: true, encoding: 'utf8' });
  const program = files
    .filter((path) => /[\\/]tools[\\/]bicep(\.exe)?$/.test(path))
    .sort()
    .at(-1);
  if (program === undefined) return null;
  chmodSync(join(cache, program), 0o755);
  return join(cache, program);
}

if (import.meta.main) {
  const found = getBicep();
  console.log(found.kind === 'found' ? found.path : `The Bicep compiler cannot be had here: ${found.reason}.`);
  process.exitCode = found.kind === 'found' ? 0 : 1;
}
