/** A router before a simulated fleet: endpoints A, B, … with every deployment, and a pool for each of these. */
import { defaultFleet, type Simulator, type SimulatorOptions, startSimulator } from '../../src/simulator/server.ts';
import { startRouter, type TestRouter } from './router.ts';

export interface SimulatedRouter extends AsyncDisposable {
  readonly url: string;
  readonly router: TestRouter;
  readonly simulator: Simulator;
}

export interface SimulatedOptions {
  /** How each endpoint wants to be spoken to. */
  readonly api?: string;
  /** Joined to the configuration's top level. */
  readonly config?: object;
  readonly simulator?: Partial<SimulatorOptions>;
}

export async function startSimulated({
  api = 'v1',
  config = {},
  simulator: options = {},
}: SimulatedOptions = {}): Promise<SimulatedRouter> {
  const simulator = await startSimulator({ endpoints: defaultFleet(), ...options });
  const router = await startRouter({ endpoints: endpointsOf(simulator, api), ...config });
  return {
    url: router.url,
    router,
    simulator,
    async [Symbol.asyncDispose]() {
      await router[Symbol.asyncDispose]();
      await simulator.close();
    },
  };
}

export function endpointsOf(simulator: Simulator, api: string): object {
  return Object.fromEntries(
    simulator.endpoints.map(({ name, url, apiKey, deployments }) => [
      name,
      { url, apiKey, api, deployments: Object.fromEntries(deployments.map(({ name: id, model }) => [id, { model }])) },
    ]),
  );
}
