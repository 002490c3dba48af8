import { describe, expect, test } from 'vitest';
import type { GateSettings } from '../../src/accounts/gate.ts';
import { createKeylessGate } from '../../src/accounts/keylessGate.ts';
import { RouterError } from '../../src/domain/errors.ts';
import { ManualClock } from '../harness/manualClock.ts';

type Verdict = 'in' | 'unauthorized' | 'forbidden';

function verdict(run: () => unknown): Verdict {
  try {
    run();
    return 'in';
  } catch (error) {
    if (error instanceof RouterError && (error.code === 'unauthorized' || error.code === 'forbidden'))
      return error.code;
    throw error;
  }
}

const KEYED: GateSettings = { adminKey: 'admin', callerKeys: ['one', 'two'], loopbackOnly: false };

describe('the gate', () => {
  test.each<{ what: string; headers: readonly string[]; caller: Verdict; admin: Verdict }>([
    { what: 'nothing', headers: [], caller: 'unauthorized', admin: 'unauthorized' },
    { what: "a caller's key", headers: ['api-key', 'one'], caller: 'in', admin: 'forbidden' },
    { what: "another caller's key", headers: ['Api-Key', 'two'], caller: 'in', admin: 'forbidden' },
    { what: 'a bearer', headers: ['Authorization', 'Bearer one'], caller: 'in', admin: 'forbidden' },
    { what: 'a bearer in other case', headers: ['authorization', 'bearer   one '], caller: 'in', admin: 'forbidden' },
    { what: 'the admin key', headers: ['api-key', 'admin'], caller: 'in', admin: 'in' },
    { what: 'the admin key as a bearer', headers: ['authorization', 'Bearer admin'], caller: 'in', admin: 'in' },
    { what: 'a wrong key', headers: ['api-key', 'three'], caller: 'unauthorized', admin: 'unauthorized' },
    { what: 'an empty key', headers: ['api-key', ''], caller: 'unauthorized', admin: 'unauthorized' },
    { what: 'a key in other case', headers: ['api-key', 'ONE'], caller: 'unauthorized', admin: 'unauthorized' },
    { what: 'a key with more behind', headers: ['api-key', 'onee'], caller: 'unauthorized', admin: 'unauthorized' },
    { what: 'a key with less', headers: ['api-key', 'on'], caller: 'unauthorized', admin: 'unauthorized' },
    { what: 'another scheme', headers: ['authorization', 'Basic one'], caller: 'unauthorized', admin: 'unauthorized' },
    {
      what: 'a key without a scheme',
      headers: ['authorization', 'one'],
      caller: 'unauthorized',
      admin: 'unauthorized',
    },
    {
      what: 'a key in a header of the host',
      headers: ['x-functions-key', 'one'],
      caller: 'unauthorized',
      admin: 'unauthorized',
    },
    {
      what: 'an empty api-key beside a good bearer',
      headers: ['api-key', '', 'authorization', 'Bearer one'],
      caller: 'in',
      admin: 'forbidden',
    },
  ])('with keys, for $what: caller $caller, admin $admin', ({ headers, caller, admin }) => {
    const gate = createKeylessGate(KEYED, new ManualClock());
    expect(verdict(() => gate.admitCaller(headers, '127.0.0.1'))).toBe(caller);
    expect(verdict(() => gate.admitAdmin(headers, '127.0.0.1'))).toBe(admin);
    expect(gate.isAdmin(headers, '127.0.0.1')).toBe(admin === 'in');
  });

  test.each<{ what: string; settings: GateSettings; caller: Verdict; admin: Verdict }>([
    {
      what: 'on loopback without any key',
      settings: { adminKey: null, callerKeys: [], loopbackOnly: true },
      caller: 'in',
      admin: 'in',
    },
    {
      what: 'on loopback with an admin key',
      settings: { adminKey: 'admin', callerKeys: [], loopbackOnly: true },
      caller: 'in',
      admin: 'unauthorized',
    },
    {
      what: 'on loopback with callers’ keys',
      settings: { adminKey: null, callerKeys: ['one'], loopbackOnly: true },
      caller: 'unauthorized',
      admin: 'unauthorized',
    },
    {
      what: 'anywhere else without any key',
      settings: { adminKey: null, callerKeys: [], loopbackOnly: false },
      caller: 'unauthorized',
      admin: 'unauthorized',
    },
    {
      what: 'anywhere else with an admin key alone',
      settings: { adminKey: 'admin', callerKeys: [], loopbackOnly: false },
      caller: 'unauthorized',
      admin: 'unauthorized',
    },
  ])('$what, a stranger is: caller $caller, admin $admin', ({ settings, caller, admin }) => {
    const gate = createKeylessGate(settings, new ManualClock());
    expect(verdict(() => gate.admitCaller([], '127.0.0.1'))).toBe(caller);
    expect(verdict(() => gate.admitAdmin([], '127.0.0.1'))).toBe(admin);
    expect(gate.isAdmin([], '127.0.0.1')).toBe(admin === 'in');
  });

  test('never repeats a key, and says how to send one', () => {
    const gate = createKeylessGate(KEYED, new ManualClock());
    const seen: string[] = [];
    for (const headers of [[], ['api-key', 'my-secret'], ['api-key', 'one']]) {
      try {
        void gate.admitAdmin(headers, '127.0.0.1');
      } catch (error) {
        if (error instanceof RouterError) seen.push(error.message, ...error.headers);
      }
    }
    expect(seen.join(' ')).not.toMatch(/my-secret|\bone\b/);
    expect(seen).toContain('www-authenticate');
  });
});
