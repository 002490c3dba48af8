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

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.status = details.status ?? STATUS[code];
    this.param = details.param ?? null;
    this.retryAfterMs = details.retryAfterMs ?? null;
    this.headers = details.headers ?? [];
  }
}
