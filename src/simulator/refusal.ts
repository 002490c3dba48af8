/** Azure's errors: every body that the simulator refuses a call with, word for word where it is known. */
import type { Outcome } from '../domain/outcome.ts';
import type { JsonObject } from './json.ts';

export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly body: JsonObject;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, body: JsonObject, headers: Readonly<Record<string, string>> = {}) {
    super(`the simulator answers ${status}`);
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

/** What a router should make of such an answer. */
export function outcomeOf(status: number, body: JsonObject): Outcome {
  if (status < 400) return 'ok';
  if (status === 429) return 'throttled';
  const error = body['error'] as JsonObject | undefined;
  if (status === 401 || status === 403 || (status === 404 && error?.['code'] === 'DeploymentNotFound'))
    return 'misconfigured';
  if (error?.['code'] === 'content_filter') return 'filtered';
  return status === 408 || status >= 500 ? 'failing' : 'refused';
}

/** The gateway's form: `code` and `message` alone. */
export function gatewayError(code: string, message: string): JsonObject {
  return { error: { code, message } };
}

/** The model's form, shared with OpenAI. */
export function modelError(
  message: string,
  param: string | null,
  code: string | null,
  type = 'invalid_request_error',
): JsonObject {
  return { error: { message, type, param, code } };
}

export function badRequest(message: string, param: string | null, code: string | null): Refusal {
  return new Refusal(400, modelError(message, param, code));
}

export const UNAUTHORIZED_TOKEN: JsonObject = {
  statusCode: 401,
  message:
    'Unauthorized. Access token is missing, invalid, audience is incorrect (https://cognitiveservices.azure.com), or have expired.',
};

export const UNAUTHORIZED_KEY = gatewayError(
  '401',
  'Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource.',
);

export const DEPLOYMENT_NOT_FOUND = gatewayError(
  'DeploymentNotFound',
  'The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, please wait a moment and try again.',
);

export const RESOURCE_NOT_FOUND = gatewayError('404', 'Resource not found');

export function versionNotSupported(): Refusal {
  return new Refusal(400, gatewayError('BadRequest', 'API version not supported'));
}

export function operationNotSupported(operation: string, model: string): Refusal {
  return new Refusal(
    400,
    gatewayError(
      'OperationNotSupported',
      `The ${operation} operation does not work with the specified model, ${model}. Please choose different model and try again. You can learn more about which models can be used with each operation here: https://go.microsoft.com/fwlink/?linkid=2197993.`,
    ),
  );
}

export function contextTooLong(limit: number, asked: number, param: string): Refusal {
  return badRequest(
    `This model's maximum context length is ${limit} tokens. However, your messages resulted in ${asked} tokens. Please reduce the length of the messages.`,
    param,
    'context_length_exceeded',
  );
}

const SAFE = { filtered: false, severity: 'safe' };
const UNDETECTED = { filtered: false, detected: false };

export const SAFE_PROMPT: JsonObject = {
  hate: SAFE,
  jailbreak: UNDETECTED,
  self_harm: SAFE,
  sexual: SAFE,
  violence: SAFE,
};
export const SAFE_CONTENT: JsonObject = { hate: SAFE, self_harm: SAFE, sexual: SAFE, violence: SAFE };
export const FILTERED_CONTENT: JsonObject = { ...SAFE_CONTENT, violence: { filtered: true, severity: 'high' } };

export function promptFiltered(): Refusal {
  return new Refusal(400, {
    error: {
      message:
        "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify your prompt and retry. To learn more about our content filtering policies please read our documentation: https://go.microsoft.com/fwlink/?linkid=2198766",
      type: null,
      param: 'prompt',
      code: 'content_filter',
      status: 400,
      innererror: {
        code: 'ResponsibleAIPolicyViolation',
        content_filter_result: { ...SAFE_PROMPT, violence: { filtered: true, severity: 'high' } },
      },
    },
  });
}
