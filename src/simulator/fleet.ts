/** What a simulator is made of: the options of its endpoints and deployments, and a fleet to begin with. */
import type { Clock, Draw } from '../domain/clock.ts';

export interface Latency {
  /** From the request to the answer's headers. */
  readonly headMs: number;
  /** From a stream's headers to its first content; added to `headMs` for an answer that is not streamed. */
  readonly firstTokenMs: number;
  /** Between two chunks of a stream. */
  readonly chunkMs: number;
}

export interface DeploymentOptions {
  readonly model: string;
  readonly kind?: 'standard' | 'ptu';
  /** A PTU deployment reads this as what it can work off in a minute. Absent: never throttled. */
  readonly tokensPerMinute?: number;
  readonly requestsPerMinute?: number;
  readonly contextTokens?: number;
  readonly latency?: Partial<Latency>;
}

export interface EndpointOptions {
  readonly name: string;
  /** 0 or absent: a free one. */
  readonly port?: number;
  readonly apiKey?: string;
  readonly region?: string;
  readonly deployments: Readonly<Record<string, DeploymentOptions>>;
  readonly latency?: Partial<Latency>;
}

export interface SimulatorOptions {
  readonly endpoints: readonly EndpointOptions[];
  /** The address to listen on; loopback unless told. */
  readonly host?: string;
  readonly clock?: Clock;
  readonly draw?: Draw;
  /** Bearer tokens taken beside the endpoint's key, as if Entra had issued them. */
  readonly acceptedTokens?: readonly string[];
  /** Answers that are not streamed are gzipped for callers that accept it. */
  readonly compress?: boolean;
  /** How many calls are kept for `sent`, `received` and `calls`; 0 for none. */
  readonly keepCalls?: number;
  /** Who may make control calls: only this machine, everybody, or nobody over HTTP. */
  readonly control?: 'loopback' | 'anyone' | 'off';
}

export const DEFAULT_KEY = 'simulator';

const DEFAULT_DEPLOYMENTS: Readonly<Record<string, DeploymentOptions>> = {
  'gpt-4.1': { model: 'gpt-4.1' },
  'gpt-4.1-mini': { model: 'gpt-4.1-mini' },
  'gpt-4o': { model: 'gpt-4o' },
  'gpt-5-mini': { model: 'gpt-5-mini' },
  'gpt-35-turbo-instruct': { model: 'gpt-35-turbo-instruct' },
  'text-embedding-3-small': { model: 'text-embedding-3-small' },
  'text-embedding-3-large': { model: 'text-embedding-3-large' },
  'gpt-image-1': { model: 'gpt-image-1' },
  whisper: { model: 'whisper' },
  tts: { model: 'tts' },
};

const REGIONS = ['East US 2', 'West Europe', 'Sweden Central', 'Japan East'] as const;

/** Endpoints A and B, or those named, each with every deployment of the default set. */
export function defaultFleet(names: readonly string[] = ['A', 'B'], apiKey: string = DEFAULT_KEY): EndpointOptions[] {
  return names.map((name, index) => ({
    name,
    apiKey,
    region: REGIONS[index % REGIONS.length] ?? REGIONS[0],
    deployments: DEFAULT_DEPLOYMENTS,
  }));
}
