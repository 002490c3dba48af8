/** What happened in the fleet that people want to know of: each is told once, by the instance that brought it about. */
import type { DeploymentId } from './deployment.ts';

export type FleetEvent =
  /** Requests that went elsewhere, as many as one instance saw since it last told. */
  | ({
      readonly kind: 'failover';
      readonly agent: string;
      readonly from: DeploymentId;
      readonly to: DeploymentId;
    } & Told & {
        readonly cause: string;
        readonly count: number;
        /** The latest of them; absent in what earlier versions have written. */
        readonly requestId?: string;
      })
  | ({ readonly kind: 'agentMoved'; readonly agent: string } & Told & {
        readonly from: DeploymentId | null;
        readonly to: DeploymentId;
        readonly cause: string;
      })
  | ({ readonly kind: 'agentReturned'; readonly agent: string; readonly from: DeploymentId } & Told & {
        readonly cause: string;
      })
  | ({ readonly kind: DeploymentEventKind; readonly deployment: DeploymentId } & Told & {
        readonly until: number | null;
        readonly cause: string;
      });

export const DEPLOYMENT_EVENTS = [
  'opened',
  'probed',
  'closed',
  'rested',
  'misconfigured',
  'mended',
  'drained',
  'restored',
] as const;
export type DeploymentEventKind = (typeof DEPLOYMENT_EVENTS)[number];

interface Told {
  readonly at: number;
  /** The instance that brought it about. */
  readonly instance: string;
}
