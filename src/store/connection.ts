/** Where the owner says the store is. Nothing here is opened, and no fault quotes what may hold a key. */

export type StorageSettings =
  | { readonly kind: 'memory' }
  /** As the client library wants it: whatever it takes for granted is filled in. */
  | { readonly kind: 'connectionString'; readonly text: string }
  /** `clientId`: of a user-assigned identity; `null`: the app's own, or the developer's. */
  | { readonly kind: 'identity'; readonly url: string; readonly clientId: string | null };

export interface StorageFault {
  readonly kind: 'fault';
  /** The setting: an environment variable, or whatever name the caller gave. */
  readonly path: string;
  readonly problem: string;
  readonly allowed: string;
}

export type ParsedStorage = StorageSettings | StorageFault;

const ALLOWED =
  "'memory', 'UseDevelopmentStorage=true', the connection string of a storage account or of Cosmos DB for Table, " +
  'or https://<account>.table.core.windows.net for a managed identity';

const ACCOUNT_NAME = /^[a-z0-9]{3,24}$/;
const BASE64 = /^(?=.)(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const SIGNATURE = /(?:^|&)sig=./;

/** The first setting that is there; `null`: none is. An empty one counts as absent. */
export function storageSettings(env: Readonly<Record<string, string | undefined>>): ParsedStorage | null {
  const read = (name: string): string | null => filled(env[name]);
  const clientId = read('AzureWebJobsStorage__clientId');
  for (const name of ['ROUTER_STORAGE', 'AzureWebJobsStorage']) {
    const text = read(name);
    if (text !== null) return parseStorage(text, name, clientId);
  }
  const uri = read('AzureWebJobsStorage__tableServiceUri');
  if (uri !== null) return parseUrl(uri, 'AzureWebJobsStorage__tableServiceUri', clientId);
  const account = read('AzureWebJobsStorage__accountName');
  if (account === null) return null;
  if (ACCOUNT_NAME.test(account)) {
    return { kind: 'identity', url: `https://${account}.table.core.windows.net`, clientId };
  }
  const path = 'AzureWebJobsStorage__accountName';
  const allowed =
    'the name alone, 3 to 24 small letters and digits; elsewhere than in the public cloud, set __tableServiceUri';
  return { kind: 'fault', path, problem: 'This is not the name of a storage account.', allowed };
}

/** `clientId`: of the identity that the app has for its storage, where an address is all that is said. */
export function parseStorage(text: string, path: string, clientId: string | null = null): ParsedStorage {
  const trimmed = text.trim();
  if (trimmed.toLowerCase() === 'memory') return { kind: 'memory' };
  if (/^https?:\/\//i.test(trimmed)) return parseUrl(trimmed, path, clientId);
  if (trimmed.includes('=')) return parseConnectionString(trimmed, path);
  return fault(path, 'This is neither a connection string nor an address.');
}

function parseUrl(text: string, path: string, clientId: string | null): ParsedStorage {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null) return fault(path, 'This is not a complete address.');
  if (url.search !== '' || url.username !== '' || url.password !== '') {
    return fault(path, 'The address holds a signature or a password, which belong into a connection string.');
  }
  if (url.protocol !== 'https:') {
    return fault(path, 'An identity is sent over https alone; an emulator is named by its connection string.');
  }
  if (!url.hostname.includes('.table.')) {
    return fault(path, 'This is not the address of a table service: its host holds “.table.”.');
  }
  if (url.pathname !== '/' || url.hash !== '') return fault(path, 'The address ends behind its host.');
  return { kind: 'identity', url: url.origin, clientId };
}

function parseConnectionString(text: string, path: string): ParsedStorage {
  const parts = partsOf(text);
  if (parts === null)
    return fault(path, 'A connection string is made of parts, name=value, with semicolons between them.');
  if (parts.get('usedevelopmentstorage')?.toLowerCase() === 'true') {
    if (parts.size === 1) return { kind: 'connectionString', text: 'UseDevelopmentStorage=true' };
    return fault(
      path,
      'UseDevelopmentStorage stands alone; an emulator elsewhere is named by AccountName, AccountKey and TableEndpoint.',
    );
  }
  const endpoint = parts.get('tableendpoint')?.replace(/\/+$/, '') ?? null;
  if (endpoint !== null && !isWebAddress(endpoint)) return fault(path, 'TableEndpoint is not an address.');
  if (parts.has('accountkey')) return withKey(parts, endpoint, path);
  if (parts.has('sharedaccesssignature')) return withSignature(parts, endpoint, path);
  return fault(path, 'The connection string holds neither AccountKey nor SharedAccessSignature.');
}

function withKey(parts: ReadonlyMap<string, string>, endpoint: string | null, path: string): ParsedStorage {
  if (parts.has('accountendpoint')) {
    return fault(path, 'This is the connection string of Cosmos DB for NoSQL; the one for Table holds TableEndpoint.');
  }
  const name = parts.get('accountname') ?? '';
  const key = parts.get('accountkey') ?? '';
  if (name === '') return fault(path, 'The connection string lacks AccountName.');
  if (!BASE64.test(key)) return fault(path, 'AccountKey is not a key: it is not in base 64, or it was cut.');
  const protocol = (parts.get('defaultendpointsprotocol') ?? 'https').toLowerCase();
  if (protocol !== 'https' && protocol !== 'http') {
    return fault(path, 'DefaultEndpointsProtocol is neither https nor http.');
  }
  const suffix = filled(parts.get('endpointsuffix')) ?? 'core.windows.net';
  const at = endpoint === null ? `EndpointSuffix=${suffix}` : `TableEndpoint=${endpoint}`;
  if (endpoint === null && !isWebAddress(`${protocol}://${name}.table.${suffix}`)) {
    return fault(path, 'AccountName and EndpointSuffix do not make an address.');
  }
  const text = `DefaultEndpointsProtocol=${protocol};AccountName=${name};AccountKey=${key};${at}`;
  return { kind: 'connectionString', text };
}

function withSignature(parts: ReadonlyMap<string, string>, endpoint: string | null, path: string): ParsedStorage {
  const signature = parts.get('sharedaccesssignature')?.replace(/^\?/, '') ?? '';
  if (!SIGNATURE.test(signature)) return fault(path, 'SharedAccessSignature is none: it lacks sig=.');
  if (endpoint === null)
    return fault(path, 'The connection string lacks TableEndpoint, so it gives no access to tables.');
  const { hostname, pathname } = new URL(endpoint);
  // That is how the client library reads the account's name, and it goes no further without one.
  if (hostname.split('.')[1] !== 'table' && pathname.split('/')[1] === '') {
    return fault(
      path,
      'A shared access signature asks for a TableEndpoint of the form https://<account>.table.<domain>.',
    );
  }
  const text = `TableEndpoint=${endpoint};SharedAccessSignature=${signature}`;
  // It would look for a key where one of these words stands, wherever that is.
  if (/accountkey=|defaultendpointsprotocol=/i.test(text))
    return fault(path, 'A semicolon is missing between two parts.');
  return { kind: 'connectionString', text };
}

/** Names in small letters; `null`: there is a part that is none. */
function partsOf(text: string): Map<string, string> | null {
  const parts = new Map<string, string>();
  for (const part of text.split(';')) {
    if (part.trim() === '') continue;
    const at = part.indexOf('=');
    if (at < 1) return null;
    parts.set(part.slice(0, at).trim().toLowerCase(), part.slice(at + 1).trim());
  }
  return parts;
}

function isWebAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  return /^https?:$/.test(protocol) && [username, password, search, hash].every((part) => part === '');
}

function filled(text: string | undefined): string | null {
  const trimmed = text?.trim() ?? '';
  return trimmed === '' ? null : trimmed;
}

function fault(path: string, problem: string): StorageFault {
  return { kind: 'fault', path, problem, allowed: ALLOWED };
}
