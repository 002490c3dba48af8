import { describe, expect, test } from 'vitest';
import { RouterError } from '../../src/domain/errors.ts';
import type { Answer } from '../../src/domain/message.ts';
import { readUsageQuestion, usageAnswer } from '../../src/http/usage.ts';
import type { UsageReport, UsageSum } from '../../src/usage/port.ts';

const NOW = Date.UTC(2026, 10, 21, 13);

function refused(query: string): RouterError {
  try {
    readUsageQuestion(query, NOW);
  } catch (error) {
    if (error instanceof RouterError) return error;
    throw error;
  }
  throw new Error(`'${query}' was not refused`);
}

describe('asked for usage', () => {
  test('without bounds it is the month so far, in one sum', () => {
    expect(readUsageQuestion('', NOW)).toEqual({ from: '2026-11-01', to: '2026-11-21', by: [], format: 'json' });
  });

  test('bounds are days, or instants that lie in them, by the clock of UTC', () => {
    const query = 'from=2026-10-03&to=2026-11-20T23:30:00-02:00&by=model,%20creator,model&format=csv';
    const by = ['model', 'creator'];
    expect(readUsageQuestion(query, NOW)).toEqual({ from: '2026-10-03', to: '2026-11-21', by, format: 'csv' });
    expect(readUsageQuestion('from=2026-11-21&to=2026-11-21', NOW).from).toBe('2026-11-21');
  });

  test.each([
    ['from=yesterday', 'from', '2026-11-21'],
    ['from=2026-02-30', 'from', '2026-11-21'],
    ['to=2026-13-01', 'to', '2026-11-21'],
    ['to=20261121', 'to', '2026-11-21'],
    ['to=2026-11-21Tnoon', 'to', '2026-11-21'],
    ['from=2026-11-22&to=2026-11-21', 'from', 'after'],
    ['from=2026-11-22', 'from', 'after'],
    ['by=creator,team', 'by', 'creator, model, operation, account, agent, day'],
    ['by=toString', 'by', '"toString"'],
    ['format=xml', 'format', 'json or csv'],
    ['since=2026-11-21', 'since', 'from, to, by, format'],
  ])('%s is refused by the name of %s and with what is allowed', (query, param, allowed) => {
    expect(refused(query)).toMatchObject({ status: 400, code: 'invalid_request', param });
    expect(refused(query).message).toContain(allowed);
  });
});

const SUM: UsageSum = {
  requests: 2,
  promptTokens: 30,
  cachedTokens: 10,
  completionTokens: 5,
  reasoningTokens: 1,
  totalTokens: 35,
  costUsd: 0.000000001,
  estimatedRequests: 1,
  unpricedRequests: 0,
};
const HEAD =
  'requests,promptTokens,cachedTokens,completionTokens,reasoningTokens,totalTokens,costUsd,estimatedRequests,unpricedRequests';
const FIGURES = '2,30,10,5,1,35,0.000000001,1,0';

function textOf({ body }: Answer): string {
  return Buffer.isBuffer(body) ? body.toString() : '';
}

function csv(report: UsageReport, query: string): string {
  return textOf(usageAnswer(report, readUsageQuestion(`format=csv&${query}`, NOW)));
}

describe('usage is answered', () => {
  const report: UsageReport = { rows: [{ creator: 'anna', ...SUM }], total: SUM };

  test('as JSON with what was asked, the rows and their total', () => {
    const question = readUsageQuestion('by=creator', NOW);
    const answer = usageAnswer(report, question, ['x-router-request-id', 'r1']);
    expect(answer.headers).toEqual(['content-type', 'application/json', 'x-router-request-id', 'r1']);
    const { from, to, by } = question;
    expect(JSON.parse(textOf(answer))).toEqual({ from, to, by, rows: report.rows, total: SUM });
  });

  test('as a table with a head, one line for each row', () => {
    expect(csv(report, 'by=creator')).toBe(`creator,${HEAD}\r\nanna,${FIGURES}\r\n`);
    expect(csv({ rows: [], total: SUM }, '')).toBe(`${HEAD}\r\n${FIGURES}\r\n`);
  });

  test.each([
    ['a "quoted", b', '"a ""quoted"", b"'],
    ['two\nlines', '"two\nlines"'],
    ['=HYPERLINK("x")', `"'=HYPERLINK(""x"")"`],
    ['+1', "'+1"],
    ['-1', "'-1"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['\tx', "'\tx"],
    ['a=b', 'a=b'],
  ])('as a table in which the label %j is text', (creator, cell) => {
    expect(csv({ rows: [{ creator, ...SUM }], total: SUM }, 'by=creator')).toBe(
      `creator,${HEAD}\r\n${cell},${FIGURES}\r\n`,
    );
  });
});
