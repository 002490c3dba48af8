/** Which router is meant, and with what key. */
import { wrongUsage } from './failure.ts';
import { lengthIn } from './instants.ts';
import type { Given, Options } from './options.ts';
import type { Surroundings } from './surroundings.ts';

export const DEFAULT_URL = 'http://127.0.0.1:7071';
const TIMEOUT_MS = 10_000;
/** Probing asks every deployment, and gives each time. */
export const PATIENT_MS = 120_000;

export const CONNECTION_OPTIONS: Options = {
  url: { value: 'URL', about: `the router's address (ROUTER_URL, else ${DEFAULT_URL})` },
  key: {
    value: 'KEY',
    about:
      'the admin key (ROUTER_ADMIN_KEY). Others on this machine see what stands on a command line: - reads it from stdin',
  },
  timeout: { value: 'TIME', about: 'how long to wait for an answer, such as 5s (10s; probe 2min)' },
};

export interface Settings {
  readonly url: string;
  readonly key: string | null;
  readonly timeoutMs: number;
  /** Said once, on stderr. */
  readonly warning: string | null;
}

export async function connectionSettings(
  { texts }: Given,
  on: Surroundings,
  patientMs: number | null,
): Promise<Settings> {
  const url = readUrl(texts.get('url'), on.env['ROUTER_URL']);
  const key = await readKey(texts.get('key'), on);
  const isOpen = url.protocol === 'http:' && !/^(?:localhost|127\.[\d.]+|\[::1\])$/.test(url.hostname);
  return {
    url: url.origin + url.pathname.replace(/\/+$/, ''),
    key,
    timeoutMs: readTimeout(texts.get('timeout')) ?? patientMs ?? TIMEOUT_MS,
    warning: isOpen && key !== null ? `warning: the key goes to ${url.host} unencrypted; https would hide it.` : null,
  };
}

function readUrl(option: string | undefined, variable: string | undefined): URL {
  const [name, text] = option === undefined ? ['ROUTER_URL', variable?.trim() ?? ''] : ['--url', option.trim()];
  const url = URL.parse(text === '' ? DEFAULT_URL : text);
  const isGood =
    url !== null && /^https?:$/.test(url.protocol) && url.username + url.password + url.search + url.hash === '';
  if (isGood) return url;
  // Never shown as it is: an address can hold a password.
  const found =
    url === null || url.username + url.password === ''
      ? JSON.stringify(text.slice(0, 100))
      : 'an address with a password';
  throw wrongUsage(`${name} is no address of a router.`, {
    found,
    allowed: `http:// or https:// and a host, such as ${DEFAULT_URL}`,
  });
}

async function readKey(option: string | undefined, { env, readStdin }: Surroundings): Promise<string | null> {
  const name = option === undefined ? 'ROUTER_ADMIN_KEY' : option === '-' ? 'the key on stdin' : '--key';
  const text = option === '-' ? (await readStdin()).split('\n', 1)[0] : (option ?? env['ROUTER_ADMIN_KEY']);
  const key = text?.trim() ?? '';
  if (key === '' && option !== undefined) throw wrongUsage(`${name === '--key' ? name : 'The key on stdin'} is empty.`);
  if (/^[\x21-\x7e]*$/.test(key)) return key === '' ? null : key;
  throw wrongUsage(`${name === 'the key on stdin' ? 'The key on stdin' : name} holds characters that no key has.`, {
    allowed: 'letters, digits and punctuation of ASCII, without spaces',
  });
}

const LONGEST_TIMEOUT_MS = 3_600_000;

function readTimeout(text: string | undefined): number | null {
  if (text === undefined) return null;
  const ms = /^\d{1,7}$/.test(text) ? Number(text) * 1_000 : lengthIn(text);
  if (ms !== null && ms >= 1 && ms <= LONGEST_TIMEOUT_MS) return Math.round(ms);
  throw wrongUsage('--timeout is no time to wait.', {
    found: JSON.stringify(text.slice(0, 50)),
    allowed: '1ms to 1h, such as 5s; a plain number is seconds',
  });
}
