import { TableClient } from '@azure/data-tables';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseStorage, storageSettings } from '../../src/store/connection.ts';

const KEY = `${'Qz7+'.repeat(21)}Q0==`;
const WELL_KNOWN = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';
const SIGNATURE = 'sv=2022-11-02&ss=t&srt=sco&sp=rwdlacu&se=2027-01-01T00:00:00Z&sig=Qz7%2BQz7%3D';

describe('a storage setting', () => {
  test.each(['memory', ' Memory '])('%j means none that is shared', (text) => {
    expect(parseStorage(text, 'ROUTER_STORAGE')).toEqual({ kind: 'memory' });
  });

  test.each([
    ['of the emulator', 'UseDevelopmentStorage=true', 'http://127.0.0.1:10002/devstoreaccount1'],
    ['of the emulator, as some write it', 'usedevelopmentstorage=TRUE;', 'http://127.0.0.1:10002/devstoreaccount1'],
    [
      'of an emulator elsewhere',
      `DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=${WELL_KNOWN};TableEndpoint=http://azurite:10002/devstoreaccount1;`,
      'http://azurite:10002/devstoreaccount1',
    ],
    [
      'of a storage account',
      `DefaultEndpointsProtocol=https;AccountName=router;AccountKey=${KEY};EndpointSuffix=core.windows.net`,
      'https://router.table.core.windows.net',
    ],
    ['that leaves out the usual', `AccountName=router;AccountKey=${KEY}`, 'https://router.table.core.windows.net'],
    [
      'of another cloud',
      `AccountName=router;AccountKey=${KEY};EndpointSuffix=core.chinacloudapi.cn`,
      'https://router.table.core.chinacloudapi.cn',
    ],
    [
      'that names all endpoints',
      `BlobEndpoint=https://router.blob.core.windows.net/;TableEndpoint=https://router.table.core.windows.net/;AccountName=router;AccountKey=${KEY}`,
      'https://router.table.core.windows.net',
    ],
    [
      'of Cosmos DB for Table',
      `DefaultEndpointsProtocol=https;AccountName=router;AccountKey=${KEY};TableEndpoint=https://router.table.cosmos.azure.com:443/;`,
      'https://router.table.cosmos.azure.com:443',
    ],
    [
      'with a signature',
      `BlobEndpoint=https://router.blob.core.windows.net/;TableEndpoint=https://router.table.core.windows.net/;SharedAccessSignature=?${SIGNATURE}`,
      `https://router.table.core.windows.net?${SIGNATURE}`,
    ],
  ])('%s is one that the client library takes', (_, text, url) => {
    const parsed = parseStorage(text, 'ROUTER_STORAGE');
    expect(parsed).toMatchObject({ kind: 'connectionString' });
    const client = TableClient.fromConnectionString('text' in parsed ? parsed.text : '', 'deployments');
    expect(client.url).toBe(url);
  });

  test.each([
    ['https://router.table.core.windows.net', 'https://router.table.core.windows.net'],
    [' https://Router.table.core.windows.net/ ', 'https://router.table.core.windows.net'],
    ['https://router.table.core.usgovcloudapi.net', 'https://router.table.core.usgovcloudapi.net'],
    ['https://router.z12.table.storage.azure.net', 'https://router.z12.table.storage.azure.net'],
    ['https://router.table.cosmos.azure.com:443/', 'https://router.table.cosmos.azure.com'],
  ])('%j is an address that an identity opens', (text, url) => {
    expect(parseStorage(text, 'ROUTER_STORAGE')).toEqual({ kind: 'identity', url, clientId: null });
  });

  test.each([
    ['', 'neither'],
    ['memry', 'neither'],
    ['@Microsoft.KeyVault(SecretUri)', 'neither'],
    ['https://', 'not a complete address'],
    ['http://router.table.core.windows.net', 'over https alone'],
    ['https://router.blob.core.windows.net', '.table.'],
    ['https://router.table.core.windows.net/deployments', 'behind its host'],
    [`https://router.table.core.windows.net/?${SIGNATURE}`, 'signature'],
    ['https://me:secret@router.table.core.windows.net', 'password'],
    ['AccountName=router;nonsense', 'name=value'],
    ['=x', 'name=value'],
    ['AccountName=router', 'neither AccountKey'],
    [`AccountKey=${KEY}`, 'lacks AccountName'],
    ['AccountName=router;AccountKey=', 'not a key'],
    ['AccountName=router;AccountKey=<your key>', 'not a key'],
    [`AccountName=router;AccountKey=${KEY.slice(0, -1)}`, 'not a key'],
    [`AccountName=rou ter;AccountKey=${KEY}`, 'do not make an address'],
    [`AccountName=router;AccountKey=${KEY};DefaultEndpointsProtocol=ftp`, 'neither https'],
    [`AccountName=router;AccountKey=${KEY};TableEndpoint=router.table.core.windows.net`, 'TableEndpoint'],
    [`AccountEndpoint=https://router.documents.azure.com:443/;AccountKey=${KEY};`, 'NoSQL'],
    [`BlobEndpoint=https://router.blob.core.windows.net/;SharedAccessSignature=${SIGNATURE}`, 'lacks TableEndpoint'],
    ['TableEndpoint=https://router.table.core.windows.net/;SharedAccessSignature=', 'lacks sig='],
    [
      `TableEndpoint=https://a.table.b.cSharedAccessSignature=x;SharedAccessSignature=${SIGNATURE}AccountKey=x`,
      'semicolon',
    ],
    [
      `TableEndpoint=https://router.z12.table.storage.azure.net/;SharedAccessSignature=${SIGNATURE}`,
      '<account>.table.',
    ],
    ['UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://azurite', 'stands alone'],
    ['UseDevelopmentStorage=false', 'neither AccountKey'],
  ])('%j is none, and is told what is wrong', (text, problem) => {
    const parsed = parseStorage(text, '--storage');
    expect(parsed).toMatchObject({ kind: 'fault', path: '--storage' });
    expect('problem' in parsed ? parsed.problem : '').toContain(problem);
    expect(JSON.stringify(parsed)).not.toMatch(/Qz7|your key|secret[^-]|me:/);
    expect('allowed' in parsed ? parsed.allowed : '').toContain('UseDevelopmentStorage=true');
  });

  test('is never quoted by a fault, whatever was garbled', () => {
    const secret = 'Zk9'.repeat(9);
    const parts = ['AccountName=router', 'AccountKey=', 'TableEndpoint=https://router.table.core.windows.net'];
    const piece = fc.oneof(
      fc.constantFrom(...parts, 'SharedAccessSignature=', 'UseDevelopmentStorage=true', 'DefaultEndpointsProtocol='),
      fc.constantFrom(';', ';', 'sig=', 'https://', 'http://', '.table.core.windows.net', '/', '?sig=', '@', ':', '='),
      fc.constant(secret),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(piece, { size: 'medium' }), (pieces) => {
        const parsed = parseStorage(pieces.join(''), 'ROUTER_STORAGE');
        if (parsed.kind === 'fault') expect(JSON.stringify(parsed)).not.toContain('Zk9');
        if (parsed.kind === 'connectionString') TableClient.fromConnectionString(parsed.text, 'deployments');
      }),
      { numRuns: 3000 },
    );
  });
});

describe('the storage of an environment', () => {
  const account = `AccountName=router;AccountKey=${KEY}`;
  const identity = {
    AzureWebJobsStorage__accountName: 'router',
    AzureWebJobsStorage__credential: 'managedidentity',
    AzureWebJobsStorage__clientId: 'client',
  };

  test('is absent where nothing is set, or nothing but blanks', () => {
    expect(storageSettings({})).toBeNull();
    expect(storageSettings({ ROUTER_STORAGE: '', AzureWebJobsStorage: ' ' })).toBeNull();
  });

  test('is what ROUTER_STORAGE says, else what the Functions host uses', () => {
    const host = { AzureWebJobsStorage: 'UseDevelopmentStorage=true' };
    expect(storageSettings({ ...host, ...identity, ROUTER_STORAGE: 'memory' })).toEqual({ kind: 'memory' });
    expect(storageSettings({ ...host, ...identity, ROUTER_STORAGE: '' })).toMatchObject({ kind: 'connectionString' });
    expect(storageSettings({ AzureWebJobsStorage: account })).toMatchObject({ kind: 'connectionString' });
  });

  test('is an identity where the Functions host has one', () => {
    const url = 'https://router.table.core.windows.net';
    expect(storageSettings(identity)).toEqual({ kind: 'identity', url, clientId: 'client' });
    const { AzureWebJobsStorage__clientId: _, ...systemAssigned } = identity;
    expect(storageSettings(systemAssigned)).toEqual({ kind: 'identity', url, clientId: null });
    const uri = { AzureWebJobsStorage__tableServiceUri: 'https://elsewhere.table.core.chinacloudapi.cn/' };
    expect(storageSettings({ ...identity, ...uri })).toEqual({
      kind: 'identity',
      url: 'https://elsewhere.table.core.chinacloudapi.cn',
      clientId: 'client',
    });
  });

  test('is told with the name of the setting that is wrong', () => {
    expect(storageSettings({ ROUTER_STORAGE: 'x' })).toMatchObject({ kind: 'fault', path: 'ROUTER_STORAGE' });
    expect(storageSettings({ AzureWebJobsStorage: 'x' })).toMatchObject({ kind: 'fault', path: 'AzureWebJobsStorage' });
    expect(storageSettings({ AzureWebJobsStorage__accountName: 'https://router' })).toMatchObject({
      kind: 'fault',
      path: 'AzureWebJobsStorage__accountName',
    });
    expect(
      storageSettings({ AzureWebJobsStorage__tableServiceUri: 'https://router.blob.core.windows.net' }),
    ).toMatchObject({
      kind: 'fault',
      path: 'AzureWebJobsStorage__tableServiceUri',
    });
  });
});

test('an address in ROUTER_STORAGE is opened by the identity that the app has for its storage', () => {
  const env = { ROUTER_STORAGE: 'https://abc.table.core.windows.net', AzureWebJobsStorage__clientId: 'c-1' };
  expect(storageSettings(env)).toEqual({
    kind: 'identity',
    url: 'https://abc.table.core.windows.net',
    clientId: 'c-1',
  });
});
