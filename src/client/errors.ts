/**
 * Errors of the router, on top of the SDK's own. What is thrown is still the class the SDK throws (`RateLimitError`,
 * `NotFoundError`, …), so handlers that were written for it go on working; the router's facts are added to it.
 */
import { APIError, UnprocessableEntityError } from 'openai';
import type { ErrorCode } from '../domain/errors.ts';
import { type Route, routeOf } from './route.ts';

/** Complete and without strangers: the compiler compares it with the router's own list. */
const CODES: Readonly<Record<ErrorCode, true>> = {
  invalid_request: true,
  unknown_model: true,
  unauthorized: true,
  forbidden: true,
  request_too_large: true,
  quota_exceeded: true,
  no_deployment_available: true,
  deadline_exceeded: true,
  upstream_failed: true,
  internal: true,
};

const FACTS = Symbol('azure-openai-router error');

export interface RouterFacts {
  readonly code: ErrorCode;
  /** When trying again makes sense; `null` says that nobody knows, or that waiting is no use. */
  readonly retryAfterMs: number | null;
  /** Also in the router's log, events and metrics. */
  readonly requestId: string;
  readonly route: Route;
}

/**
 * An error that the router itself answered with, not a deployment behind it. A name for `instanceof` rather than a class that is
 * made: the object's own class is the SDK's for its status, and JavaScript allows but one.
 */
export abstract class RouterApiError extends APIError implements RouterFacts {
  declare readonly code: ErrorCode;
  declare readonly retryAfterMs: number | null;
  declare readonly requestId: string;
  declare readonly route: Route;

  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && FACTS in value;
  }
}

/** The error the SDK made, with the router's facts where the router made the answer. */
export function withFacts(error: APIError): APIError {
  const facts = factsOf(error);
  return facts === null ? error : Object.assign(error, facts, { [FACTS]: true });
}

/**
 * The router's facts of anything that was thrown, also by a stock client or out of a stream; `null` where it was not the router's.
 * (A stream that breaks has status 200 behind it, and the SDK makes an error of no class from its last event.)
 */
export function factsOf(error: unknown): RouterFacts | null {
  if (!(error instanceof APIError) || !isCode(error.code)) return null;
  const { code } = error;
  const headers = error.headers as Headers | undefined;
  const route = routeOf({ headers });
  return route === null ? null : { code, retryAfterMs: retryAfterMs(headers), requestId: route.requestId, route };
}

function isCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(CODES, code);
}

function retryAfterMs(headers: Headers | undefined): number | null {
  const ms = Number(headers?.get('retry-after-ms') ?? Number.NaN);
  if (Number.isFinite(ms)) return ms;
  const seconds = Number(headers?.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) ? seconds * 1000 : null;
}

/** Whether the router refused, with one of these codes where any are named. Knows the errors of stock clients and streams too. */
export function isRouterError<Code extends ErrorCode = ErrorCode>(
  error: unknown,
  ...codes: readonly Code[]
): error is APIError & { readonly code: Code } {
  const facts = factsOf(error);
  return facts !== null && (codes.length === 0 || (codes as readonly ErrorCode[]).includes(facts.code));
}

/** The account has used what its plan allows, for now. */
export function isQuotaExceeded(error: unknown): error is APIError & { readonly code: 'quota_exceeded' } {
  return isRouterError(error, 'quota_exceeded');
}

export function isUnknownModel(error: unknown): error is APIError & { readonly code: 'unknown_model' } {
  return isRouterError(error, 'unknown_model');
}

/** No fault of the request's: deployments rest, fail or are too slow. The same request may succeed later. */
export function isUnavailable(
  error: unknown,
): error is APIError & { readonly code: 'no_deployment_available' | 'upstream_failed' | 'deadline_exceeded' } {
  // An answer that came and is of no use would be no better later.
  if (error instanceof UnprocessableEntityError) return false;
  return isRouterError(error, 'no_deployment_available', 'upstream_failed', 'deadline_exceeded');
}

/** What is wrong at one place of an answer. */
export interface SchemaFault {
  /** A JSON pointer; empty: the whole. */
  readonly path: string;
  readonly found: string;
  readonly allowed: string;
}

/** A deployment answered, and its answer is of no use: it does not fit the schema, also after its repair, was cut off or refused. */
export class StructuredOutputError extends UnprocessableEntityError {
  /** What the model said last. */
  readonly raw: string;
  /** Where it does not fit; none where it was cut off or refused. */
  readonly faults: readonly SchemaFault[];
  /** In the model's own words; `null`: it did not refuse. */
  readonly refusal: string | null;
  /** `length` or `content_filter` where it was cut off. */
  readonly finishReason: string | null;

  constructor(body: UselessAnswer, headers: Headers) {
    super(422, body, undefined, headers);
    this.raw = body.raw;
    this.faults = body.faults ?? [];
    this.refusal = body.refusal ?? null;
    this.finishReason = body.finishReason ?? null;
  }
}

/** The error in a 422 of the router. */
export interface UselessAnswer {
  readonly message: string;
  readonly code: ErrorCode;
  readonly raw: string;
  readonly faults?: readonly SchemaFault[];
  readonly refusal?: string;
  readonly finishReason?: string;
}

export function isUselessAnswer(body: unknown): body is UselessAnswer {
  return typeof body === 'object' && body !== null && 'raw' in body && typeof body.raw === 'string';
}
