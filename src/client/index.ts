/**
 * What agents import, as `azure-openai-router/client`: a stock OpenAI client that knows the router. It needs `openai` and nothing
 * else, neither Node nor the rest of this repository, of which it knows types alone.
 */
// biome-ignore-all lint/performance/noBarrelFile: the one way into the package; what it names is all there is.
export type { ErrorCode } from '../domain/errors.ts';
export {
  factsOf,
  isQuotaExceeded,
  isRouterError,
  isUnavailable,
  isUnknownModel,
  RouterApiError,
  type RouterFacts,
  type SchemaFault,
  StructuredOutputError,
} from './errors.ts';
export { type RouterOptions, routerHeaders } from './headers.ts';
export type {
  ExplainRequest,
  Explanation,
  Generated,
  GeneratedText,
  GenerationOptions,
  Structured,
  StructuredRequest,
  TextRequest,
  TokenUsage,
} from './requests.ts';
export { type Downgrade, type Restart, type Route, type RouteStep, restartIn, routeOf } from './route.ts';
export { createRouterClient, RouterClient, type RouterClientOptions } from './routerClient.ts';
export type { FromJsonSchema, JsonSchema, SchemaOutput, StandardSchema } from './schema.ts';
