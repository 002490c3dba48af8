/** The error answers that a fault asks for. */
import { bytesAnswer, type Frame, jsonAnswer, type StreamAnswer, type WholeAnswer } from './answer.ts';
import type { ErrorBody, Fault } from './faults.ts';
import type { JsonObject } from './json.ts';
import {
  DEPLOYMENT_NOT_FOUND,
  gatewayError,
  modelError,
  outcomeOf,
  UNAUTHORIZED_KEY,
  UNAUTHORIZED_TOKEN,
} from './refusal.ts';

type StatusFault = Extract<Fault, { kind: 'status' }>;
type ErrorEventFault = Extract<Fault, { kind: 'error-event' }>;

const HTML =
  '<!DOCTYPE html>\n<html><head><title>Service Unavailable</title></head><body><h2>Service Unavailable</h2><hr><p>HTTP Error 503. The service is unavailable.</p></body></html>\n';

const USUAL: Readonly<Record<number, JsonObject>> = {
  401: UNAUTHORIZED_TOKEN,
  403: gatewayError('403', 'Access denied due to Virtual Network/Firewall rules.'),
  404: DEPLOYMENT_NOT_FOUND,
  408: gatewayError('Timeout', 'The operation was timeout.'),
  410: gatewayError(
    'ModelDeprecated',
    'The model of this deployment has been retired. Deploy a current model and try again.',
  ),
  429: gatewayError(
    '429',
    'Requests to this deployment have exceeded the call rate limit of your current pricing tier. Please retry later.',
  ),
  500: modelError(
    'The server had an error while processing your request. Sorry about that!',
    null,
    null,
    'server_error',
  ),
  502: gatewayError('BadGateway', 'Invalid response from the upstream server.'),
  503: gatewayError(
    'ServiceUnavailable',
    'The service is temporarily unable to process your request. Please try again later.',
  ),
  504: gatewayError(
    'GatewayTimeout',
    'The gateway did not receive a response from the upstream server within the specified time period.',
  ),
};

export function faultAnswer(fault: StatusFault): WholeAnswer {
  const headers: Record<string, string> = {};
  if (fault.retryAfterMs !== null) headers['retry-after-ms'] = fault.retryAfterMs;
  if (fault.retryAfter !== null) headers['retry-after'] = fault.retryAfter;
  if (fault.body === 'html') {
    const page = bytesAnswer(Buffer.from(HTML), 'text/html; charset=us-ascii');
    return {
      ...page,
      status: fault.status,
      headers: { ...page.headers, ...headers },
      outcome: outcomeOf(fault.status, {}),
    };
  }
  const answer = jsonAnswer(bodyOf(fault.status, fault.body), undefined, fault.status);
  return { ...answer, headers: { ...answer.headers, ...headers } };
}

function bodyOf(status: number, form: Exclude<ErrorBody, 'html'>): JsonObject {
  const usual = USUAL[status] ?? gatewayError(String(status), `The simulator was asked to answer ${status}.`);
  const error = usual['error'] as JsonObject | undefined;
  switch (form) {
    case 'usual':
      return usual;
    case 'nested':
      return status === 401 ? UNAUTHORIZED_KEY : usual;
    case 'flat':
      return { statusCode: status, message: error?.['message'] ?? usual['message'] };
    case 'insufficient-quota':
      return modelError(
        'You exceeded your current quota, please check your plan and billing details.',
        null,
        'insufficient_quota',
        'insufficient_quota',
      );
    case 'high-demand':
      return modelError(
        "We're currently processing too many requests - the model is under high demand. Please try again later.",
        null,
        'too_many_requests',
        'too_many_requests',
      );
    default:
      return form satisfies never;
  }
}

export function nonsenseAnswer(): WholeAnswer {
  return { ...bytesAnswer(Buffer.from('this is not { JSON'), 'application/json'), outcome: 'failing' };
}

/** An error event inside a stream that began as a success. */
export function errorFrame(fault: ErrorEventFault, errors: StreamAnswer['errors']): Frame {
  const message =
    fault.code === '429' || fault.code === 'rate_limit_exceeded'
      ? 'The service is currently under high demand. Please try again later.'
      : 'The server had an error while processing your request. Sorry about that!';
  return {
    bytes: Buffer.from(errors === 'chat' ? chatError(fault.code, message) : responsesError(fault, message)),
    content: false,
    tokens: 0,
  };
}

function chatError(code: string, message: string): string {
  const throttled = code === '429' || code === 'rate_limit_exceeded';
  return `data: ${JSON.stringify({ error: { message, type: throttled ? 'too_many_requests' : 'server_error', param: null, code } })}\n\n`;
}

function responsesError({ code, form }: ErrorEventFault, message: string): string {
  const sequence_number = 2;
  const event =
    form === 'error'
      ? { type: 'error', sequence_number, code, message, param: null }
      : {
          type: 'response.failed',
          sequence_number,
          response: { id: 'resp_failed', object: 'response', status: 'failed', error: { code, message }, output: [] },
        };
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}
