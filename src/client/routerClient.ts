import OpenAI, { type APIError, type ClientOptions, OpenAIError } from 'openai';
import { isUselessAnswer, type SchemaFault, StructuredOutputError, withFacts } from './errors.ts';
import { ROUTER_OPTIONS, type RouterOptions, routerHeaders } from './headers.ts';
import type {
  AnySchema,
  ExplainRequest,
  Explanation,
  GeneratedText,
  Structured,
  StructuredRequest,
  TextRequest,
} from './requests.ts';
import { routeOf } from './route.ts';
import { check, isStandard, type JsonSchema, type SchemaOutput, toJsonSchema } from './schema.ts';

/** What the router decides in the caller's place, or what says where it is: not for the caller to set. */
type Replaced =
  | 'apiKey'
  | 'baseURL'
  | 'credential'
  | 'dataResidency'
  | 'defaultHeaders'
  | 'provider'
  | 'workloadIdentity'
  | 'x509Transport';

type HeaderBag = Headers | Readonly<Record<string, string | null | undefined>>;

/** The router's options beside those of the stock client (`timeout`, `maxRetries`, `fetch`, …). */
export interface RouterClientOptions extends RouterOptions, Omit<ClientOptions, Replaced> {
  /** The router's address, such as `https://router.example.com`. */
  readonly baseUrl: string;
  /** The caller's key, or what fetches an Entra ID token. A router on this machine that needs none takes any. */
  readonly apiKey: string | (() => Promise<string>);
  /** For `explain`; absent: `apiKey`. */
  readonly adminKey?: string | undefined;
  readonly defaultHeaders?: HeaderBag | undefined;
}

/** A stock OpenAI client that speaks to the router. */
export function createRouterClient(options: RouterClientOptions): RouterClient {
  return new RouterClient(options);
}

type Own = RouterOptions & Pick<RouterClientOptions, 'apiKey' | 'baseUrl' | 'adminKey' | 'defaultHeaders'>;

/** `OpenAI` in everything it does; the router's own endpoints and errors are added. */
export class RouterClient extends OpenAI {
  readonly #own: Own;
  readonly #address: string;

  constructor(options: RouterClientOptions) {
    const { baseUrl, apiKey, adminKey, defaultHeaders, ...rest } = options;
    const address = addressOf(baseUrl);
    // Else the stock client would take a key for OpenAI from the environment, and send it here.
    if (!apiKey)
      throw new OpenAIError(
        '"apiKey" is missing: a key of the router. One that runs on this machine without keys takes any text.',
      );
    super({
      // Of this machine's account with OpenAI, which is nobody's business here; what the caller names is passed.
      organization: null,
      project: null,
      adminAPIKey: null,
      ...withoutOwn(rest),
      apiKey,
      baseURL: `${address}/openai/v1`,
      defaultHeaders: { ...entriesOf(defaultHeaders), ...routerHeaders(rest) },
    });
    this.#address = address;
    this.#own = { baseUrl, apiKey, adminKey, defaultHeaders, ...onlyOwn(rest) };
  }

  /** A client with the same options but these. `undefined` takes one back. */
  override withOptions(options: Partial<RouterClientOptions>): this {
    // The stock client makes the clone, by this class; it knows nothing of the router's options.
    return super.withOptions({ ...this.#own, ...options });
  }

  /** The same client for another agent. */
  forAgent(agent: string): this {
    return this.withOptions({ agent });
  }

  /** Data that fits the schema, with its type; a `StructuredOutputError` where the model could not be brought to it. */
  async generateStructured<const Schema extends AnySchema>(
    request: StructuredRequest<Schema>,
    options?: OpenAI.RequestOptions,
  ): Promise<Structured<SchemaOutput<Schema>>>;
  async generateStructured<Data>(
    request: StructuredRequest<JsonSchema>,
    options?: OpenAI.RequestOptions,
  ): Promise<Structured<Data>>;
  async generateStructured(
    { schema, jsonSchema = toJsonSchema(schema), ...rest }: StructuredRequest<AnySchema>,
    options: OpenAI.RequestOptions = {},
  ): Promise<Structured<unknown>> {
    const body = { ...rest, schema: jsonSchema };
    const { data: answer, response } = await this.#ask<Structured<unknown>>('generate/structured', body, options);
    const whole = { ...answer, route: routeOf(response) };
    if (!isStandard(schema)) return whole;
    const verdict = await check(schema, answer.data);
    if (verdict.ok) return { ...whole, data: verdict.value };
    throw withFacts(misfit(answer.data, verdict.faults, response.headers));
  }

  async generateText(request: TextRequest, options: OpenAI.RequestOptions = {}): Promise<GeneratedText> {
    const { data, response } = await this.#ask<GeneratedText>('generate/text', request, options);
    return { ...data, route: routeOf(response) };
  }

  /** Where such a request would go now, and why, without sending it. Needs admin rights. */
  async explain(request: ExplainRequest, options: OpenAI.RequestOptions = {}): Promise<Explanation> {
    const { adminKey, apiKey } = this.#own;
    // The question is this client's own: with its key, where the admin's is another.
    const credential =
      adminKey === undefined ? {} : { 'api-key': typeof apiKey === 'string' ? apiKey : await apiKey() };
    const { path = '/openai/v1/chat/completions', body } = request;
    const headers = { ...credential, ...routerHeaders(this.#own), ...request.headers };
    const asker = adminKey === undefined ? this : this.withOptions({ apiKey: adminKey });
    const { data } = await asker.#ask<Explanation>('explain', { path, headers, body }, options);
    return data;
  }

  protected override makeStatusError(
    status: number,
    error: object,
    message: string | undefined,
    headers: Headers,
  ): APIError {
    const made = super.makeStatusError(status, error, message, headers);
    const isUseless = status === 422 && isUselessAnswer(made.error);
    return withFacts(isUseless ? new StructuredOutputError(made.error, headers) : made);
  }

  #ask<Answer>(name: string, body: object, options: OpenAI.RequestOptions) {
    return this.post<Answer>(`${this.#address}/router/${name}`, { ...options, body }).withResponse();
  }
}

/** Whoever has a client's address of the router at hand may give that. */
function addressOf(baseUrl: string): string {
  if (!URL.canParse(baseUrl))
    throw new OpenAIError(
      `"baseUrl" is ${JSON.stringify(baseUrl)}; it must be the router's address, such as "https://router.example.com".`,
    );
  return baseUrl.replace(/\/+$/, '').replace(/(?:\/openai)?\/v1$/, '');
}

function onlyOwn(options: RouterOptions): RouterOptions {
  return Object.fromEntries(ROUTER_OPTIONS.map((name) => [name, options[name]]));
}

function withoutOwn(options: object): ClientOptions {
  const own: readonly string[] = ROUTER_OPTIONS;
  return Object.fromEntries(Object.entries(options).filter(([name]) => !own.includes(name)));
}

function entriesOf(headers: HeaderBag | undefined): Record<string, string | null | undefined> {
  return headers instanceof Headers ? Object.fromEntries(headers) : { ...headers };
}

/** What only the schema's library can see is wrong; told as the router tells what it sees. */
function misfit(data: unknown, faults: readonly SchemaFault[], headers: Headers): StructuredOutputError {
  const message = 'The answer matches the JSON Schema, but not the schema which that was made from.';
  return new StructuredOutputError({ message, code: 'upstream_failed', raw: JSON.stringify(data), faults }, headers);
}
