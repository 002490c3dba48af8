/** The one error family of the router's own; http/ turns it into OpenAI's error shape. */
export const ERROR_CODES = [
  'invalid_request',
  'unknown_model',
  'unauthorized',
  'forbidden',
  'request_too_large',
  'quota_exceeded',
  'no_deployment_available',
  'deadline_exceeded',
  'upstream_failed',
  'internal',
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

export interface ErrorDetails {
  /** The field or header that is wrong. */
  readonly param?: string | null;
  /** When trying again makes sense; `null` says that waiting is no use. */
  readonly retryAfterMs?: number | null;
  readonly cause?: unknown;
  /** Further headers of the answer: name, value, … */
  readonly headers?: readonly string[];
  readonly status?: number;
  /** Its request has its line in the log already. */
  readonly isLogged?: boolean;
}

const STATUS: Record<ErrorCode, number> = {
  invalid_request: 400,
  unknown_model: 404,
  unauthorized: 401,
  forbidden: 403,
  request_too_large: 413,
  quota_exceeded: 429,
  no_deployment_available: 503,
  deadline_exceeded: 504,
  upstream_failed: 502,
  internal: 500,
};

export class RouterError extends Error {
  override readonly name = 'RouterError';
  readonly code: ErrorCode;
  readonly status: number;
  readonly param: string | null;
  readonly retryAfterMs: number | null;
  readonly headers: readonly string[];
  readonly isLogged: boolean;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.status = details.status ?? STATUS[code];
    this.param = details.param ?? null;
    this.retryAfterMs = details.retryAfterMs ?? null;
    this.headers = details.headers ?? [];
    this.isLogged = details.isLogged ?? false;
  }

  /** The same error where more is known of it; its headers come on top of those it has. */
  with({ headers = [], ...details }: ErrorDetails): RouterError {
    const { code, message, status, param, retryAfterMs, cause, isLogged } = this;
    const all = [...this.headers, ...headers];
    return new RouterError(code, message, { status, param, retryAfterMs, cause, isLogged, ...details, headers: all });
  }
}

/** What the caller is told of a fault of the router's own: that it is one, and nothing else. */
export function asRouterError(error: unknown): RouterError {
  if (error instanceof RouterError) return error;
  return new RouterError('internal', 'The router failed; the request id leads to what happened.', { cause: error });
}
