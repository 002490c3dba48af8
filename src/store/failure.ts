/** What went wrong, by class, status and code; the client library's texts quote whole answers and addresses, so none is passed on. */
import { RestError } from '@azure/data-tables';
import { StoreError, type StoreFailure, type Table } from './port.ts';

export interface Asked {
  readonly what: string;
  readonly table: Table;
  /** Without path and query, as a query may hold a signature. */
  readonly host: string;
  readonly withinMs: number;
}

/** The errors of the identity library, which is not loaded where keys are used: nobody there has a token to give. */
const WITHOUT_TOKEN = new Set(['CredentialUnavailableError', 'AuthenticationError', 'AuthenticationRequiredError']);

/** Codes are words; whatever else stands in their place is none of ours. */
const CODE = /^\w{1,64}$/;

export function statusOf(error: unknown): number | null {
  return error instanceof RestError ? (error.statusCode ?? null) : null;
}

/** Of the service where it answered, else of the connection. */
export function codeOf(error: unknown): string | null {
  if (!(error instanceof RestError)) return null;
  const details = asRecord(error.details);
  const code = error.code ?? asRecord(details['odataError'])['code'] ?? details['errorCode'];
  return typeof code === 'string' && CODE.test(code) ? code : null;
}

export function late({ what, table, host, withinMs }: Asked): StoreError {
  return new StoreError('late', `the table store at ${host} did not answer within ${withinMs} ms: ${what} in ${table}`);
}

export function toStoreError(error: unknown, { what, table, host }: Asked): StoreError {
  if (error instanceof StoreError) return error;
  const failure = failureOf(error);
  const facts = [statusOf(error), codeOf(error) ?? (error instanceof RestError ? null : nameOf(error))];
  const text = facts.filter((fact) => fact !== null).join(' ');
  // The library's own error carries the request, signature and all; only that of a sign-in says more than its code.
  const cause = WITHOUT_TOKEN.has(nameOf(error)) ? error : undefined;
  return new StoreError(
    failure,
    `the table store at ${host} ${SENTENCES[failure]} (${text}): ${what} in ${table}`,
    cause,
  );
}

const SENTENCES: Readonly<Record<StoreFailure, string>> = {
  unreachable: 'cannot be reached',
  late: 'did not answer in time',
  throttled: 'asks for slower calls',
  denied: 'does not accept our credential',
  failed: 'failed',
};

function failureOf(error: unknown): StoreFailure {
  if (WITHOUT_TOKEN.has(nameOf(error))) return 'denied';
  if (!(error instanceof RestError)) return 'failed';
  switch (error.statusCode) {
    case undefined:
      // No answer, or one that broke off.
      return 'unreachable';
    case 401:
    case 403:
      return 'denied';
    case 429:
    case 503:
      return 'throttled';
    default:
      return 'failed';
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
