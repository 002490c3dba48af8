import { describe, expect, test } from 'vitest';
import { DEPLOYMENT_OPERATIONS } from '../../../src/domain/target.ts';
import { routesOf } from '../../../src/http/control.ts';
import { readTarget } from '../../../src/http/dialect.ts';
import { GENERATE_ROUTES } from '../../../src/http/generate.ts';
import { DESCRIPTION } from '../../../src/http/openapi/document.ts';
import { configOf, fleet } from '../../harness/router.ts';
import { appFor, ask } from '../ask.ts';
import { faultsOf, OPERATIONS, referred } from './conforming.ts';

const CONFIG = configOf(fleet(['https://a.openai.azure.com']));

const filled = (path: string): string => path.replace(/\{\w+\}/g, 'x');
const isControl = (path: string): boolean => readTarget('GET', filled(path)) === null;

/** Those of operators, and those under /router that are the callers'. */
function routes() {
  const generate = GENERATE_ROUTES.map((path) => ({ method: 'POST', path: new RegExp(`^${path}$`), open: false }));
  return [...routesOf(appFor(CONFIG).appDeps), ...generate];
}

describe('the description of the interface', () => {
  test('knows every route under /router, and no other', () => {
    const documented = OPERATIONS.filter(({ path }) => isControl(path));
    const taken = documented.map(({ path, method }) => {
      const found = routes().find((route) => route.method === method && route.path.test(filled(path)));
      return `${method} ${found?.path.source ?? `nothing at ${path}`}`;
    });
    const there = routes().map(({ method, path }) => `${method} ${path.source}`);
    expect(taken.toSorted()).toEqual(there.toSorted());
  });

  test.each(OPERATIONS.filter(({ path }) => isControl(path)))(
    'is right about who may ask $method $path',
    ({ path, method, described }) => {
      const route = routes().find((one) => one.method === method && one.path.test(filled(path)));
      expect(route?.open).toBe(described.security?.length === 0);
    },
  );

  test('knows every operation of the data plane, in each dialect', () => {
    const documented = OPERATIONS.filter(({ path }) => !isControl(path));
    const kinds = documented.map(({ path, method }) => {
      const target = readTarget(method, filled(path));
      return target?.kind === 'deployment' ? target.operation : target?.kind;
    });
    expect(kinds).not.toContain('other');
    for (const name of DEPLOYMENT_OPERATIONS) expect(kinds.filter((kind) => kind === name)).toHaveLength(3);
    expect(kinds.filter((kind) => kind === 'models')).toHaveLength(6);
    expect(kinds.filter((kind) => kind === 'response')).toHaveLength(6);
  });

  test('names each operation once', () => {
    const ids = OPERATIONS.map(({ described }) => described.operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test.each(OPERATIONS)('declares what stands in the path of $method $path', ({ path, described }) => {
    const declared = (described.parameters ?? []).filter((one) => one.in === 'path').map(({ name }) => name);
    expect(declared).toEqual(Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => name));
  });

  test('refers to nothing that it does not have, and has nothing that nobody refers to', () => {
    const pointers = JSON.stringify(DESCRIPTION).matchAll(/"\$ref":"([^"]+)"/g);
    const used = new Set(Array.from(pointers, ([, pointer = '']) => pointer));
    expect([...used].filter((pointer) => referred(pointer) === undefined)).toEqual([]);
    const { schemas, responses, parameters } = DESCRIPTION.components;
    const there = Object.entries({ schemas, responses, parameters }).flatMap(([kind, members]) =>
      Object.keys(members).map((name) => `#/components/${kind}/${name}`),
    );
    expect(there.filter((pointer) => !used.has(pointer))).toEqual([]);
  });

  test('is for admins alone, as JSON', async () => {
    const { app } = appFor(CONFIG, [], { adminKey: 'admin', callerKeys: ['caller'], loopbackOnly: false });
    const target = '/router/openapi.json';
    expect((await ask(app, { target })).status).toBe(401);
    expect((await ask(app, { target, headers: { 'api-key': 'caller' } })).status).toBe(403);
    const { status, json } = await ask(app, { target, headers: { 'api-key': 'admin' } });
    expect([status, json]).toEqual([200, JSON.parse(JSON.stringify(DESCRIPTION))]);
  });

  test('is held to by a validator that finds faults', () => {
    const error = { error: { message: 'm', type: 'server_error', code: 'internal', param: null } };
    const schema = { $ref: '#/components/schemas/Error' };
    expect(faultsOf(error, schema)).toEqual([]);
    expect(faultsOf({ error: { ...error.error, code: 'unheard_of' } }, schema)).not.toEqual([]);
    expect(faultsOf({ error: { ...error.error, more: 1 } }, schema)).not.toEqual([]);
    expect(faultsOf({ error: { message: 'm' } }, schema)).not.toEqual([]);
  });
});
