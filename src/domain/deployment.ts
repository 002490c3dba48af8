/** What stands behind the router: endpoints (one Azure OpenAI resource each) and the model deployments on them. */

/** `A/gpt-4.1`: endpoint name, slash, deployment name. */
export type DeploymentId = `${string}/${string}`;

export function deploymentId(endpoint: string, deployment: string): DeploymentId {
  return `${endpoint}/${deployment}`;
}

/** How an endpoint wants to be spoken to: dated paths with `api-version`, `/openai/v1`, or as OpenAI's own, from a base URL on. */
export type Dialect =
  | { readonly kind: 'dated'; readonly apiVersion: string }
  | { readonly kind: 'v1' }
  | { readonly kind: 'openai' };

export type EndpointCredential =
  | { readonly kind: 'apiKey'; readonly apiKey: string }
  | { readonly kind: 'managedIdentity'; readonly clientId: string | null; readonly scope: string };

export interface Endpoint {
  readonly name: string;
  /** `https://one.openai.azure.com`, without path. */
  readonly origin: string;
  /** What stands before `/openai/…` (of plain OpenAI: before the operation). Empty for Azure, a path where a proxy stands in front. Never ends in `/`. */
  readonly basePath: string;
  readonly credential: EndpointCredential;
  readonly dialect: Dialect;
  readonly region: string | null;
}

/** USD per million tokens. */
export interface Price {
  readonly input: number;
  readonly cached: number | null;
  readonly output: number;
}

export interface Deployment {
  readonly id: DeploymentId;
  readonly endpoint: string;
  /** The deployment's name on its endpoint. */
  readonly name: string;
  readonly model: string | null;
  readonly kind: 'standard' | 'ptu';
  readonly price: Price | null;
}
