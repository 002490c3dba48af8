import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseSetCookie } from '../../src/functions/cookies.ts';

describe('parseSetCookie', () => {
  test.each([
    { header: 'a=1', cookie: { name: 'a', value: '1' } },
    { header: ' a = 1 ; Path=/x', cookie: { name: 'a', value: '1', path: '/x' } },
    { header: 'a=', cookie: { name: 'a', value: '' } },
    { header: 'a=b=c', cookie: { name: 'a', value: 'b=c' } },
    { header: 'a=%7B%22x%22%7D', cookie: { name: 'a', value: '{"x"}' } },
    { header: 'a=100%', cookie: { name: 'a', value: '100%' } },
    {
      header: 'a=1; Max-Age=60; Secure; HttpOnly',
      cookie: { name: 'a', value: '1', maxAge: 60, secure: true, httpOnly: true },
    },
    { header: 'a=1; max-age=0', cookie: { name: 'a', value: '1', maxAge: 0 } },
    { header: 'a=1; Max-Age=soon', cookie: { name: 'a', value: '1' } },
    {
      header: 'a=1; Domain=x.azure.com; SameSite=lax',
      cookie: { name: 'a', value: '1', domain: 'x.azure.com', sameSite: 'Lax' },
    },
    {
      header: 'a=1; Expires=Sat, 21 Nov 2026 12:00:00 GMT',
      cookie: { name: 'a', value: '1', expires: new Date(Date.UTC(2026, 10, 21, 12)) },
    },
    { header: 'a=1; Expires=never', cookie: { name: 'a', value: '1' } },
    { header: 'a=1; Partitioned; X=y', cookie: { name: 'a', value: '1' } },
    { header: '=1', cookie: null },
    { header: 'a', cookie: null },
    { header: '', cookie: null },
  ])('reads $header', ({ header, cookie }) => {
    expect(parseSetCookie(header)).toEqual(cookie);
  });

  test('answers any text at all', () => {
    fc.assert(
      fc.property(fc.string(), (header) => {
        expect(parseSetCookie(header)).toSatisfy((cookie) => cookie === null || typeof cookie === 'object');
      }),
      { numRuns: 500 },
    );
  });
});
