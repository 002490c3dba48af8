/** A router that lets nobody in without a key, before a simulated fleet that keeps books of what it did. */
import { defaultFleet, type Simulator, type SimulatorOptions, startSimulator } from '../../src/simulator/server.ts';
import { ADMIN_KEY, type Operator, operatorOf } from './operator.ts';
import { ask, CHAT, QUESTION, type RawAnswer, type RawCall } from './raw.ts';
import { type RouterParts, startRouter, type TestRouter } from './router.ts';
import { endpointsOf } from './simulated.ts';

export interface MeteredRouter extends AsyncDisposable {
  readonly url: string;
  readonly router: TestRouter;
  readonly simulator: Simulator;
  readonly operator: Operator;
}

export interface MeteredOptions {
  /** Joined to the configuration's top level. */
  readonly config?: object;
  readonly api?: string;
  readonly parts?: RouterParts;
  readonly simulator?: Partial<SimulatorOptions>;
}

export async function startMetered(options: MeteredOptions = {}): Promise<MeteredRouter> {
  const { config = {}, api = 'v1', parts = {} } = options;
  await using stack = new AsyncDisposableStack();
  const simulator = stack.use(await startSimulator({ endpoints: defaultFleet(), ...options.simulator }));
  const document = { endpoints: endpointsOf(simulator, api), ...config };
  const router = stack.use(await startRouter(document, { adminKey: ADMIN_KEY, loopbackOnly: false, ...parts }));
  const kept = stack.move();
  return {
    url: router.url,
    router,
    simulator,
    operator: operatorOf(router.url),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

export interface CallerCall extends RawCall {
  readonly key?: string;
}

/** A question as a chat completion, unless the call says otherwise. */
export function chat(url: string, { key, headers = [], ...call }: CallerCall = {}): Promise<RawAnswer> {
  const credential: RawCall['headers'] = key === undefined ? [] : [['api-key', key]];
  return ask(url, { path: CHAT, body: QUESTION, ...call, headers: [...credential, ...headers] });
}

export interface LogLine {
  readonly message: string;
  readonly level: string;
  readonly [fact: string]: unknown;
}

export function linesOf({ log }: Pick<TestRouter, 'log'>): LogLine[] {
  return log.map((line) => JSON.parse(line) as LogLine);
}
