import type { Figures } from './figures.ts';
import { ACCOUNT_TARGET, PARTITION_TARGET } from './scenarios.ts';
import type { Spread } from './spread.ts';

interface Line {
  readonly label: string;
  readonly text: (figures: Figures) => string;
  readonly target?: Target;
}

/** What a figure should be, and whether it is not. */
interface Target {
  readonly text: string;
  readonly isMissed: (figures: Figures) => boolean;
  /** It cannot be asked for where the store fails. */
  readonly takesStore?: true;
}

const MOST_WRITES = 5;
const MOST_PERIODS = 2;
const LONGEST_WORD_MS = 1_000;
const NONE = '–';

const LINES: readonly Line[] = [
  { label: 'instances × deployments', text: ({ instances, deployments }) => `${instances} × ${deployments}` },
  { label: 'virtual seconds', text: ({ seconds }) => whole(seconds) },
  { label: 'requests', text: ({ requests }) => whole(requests) },
  countLine('errors seen by callers', 0, ({ errors }) => errors),
  { label: 'requests that took a failover', text: ({ failovers }) => whole(failovers) },
  { label: '… most attempts of one', text: ({ mostAttempts }) => whole(mostAttempts) },
  { label: '429 answers', text: ({ refusals }) => whole(refusals) },
  { label: 'attempts on dead deployments', text: ({ outage }) => textOf(outage?.deadAttempts) },
  {
    label: '… late, and no probes',
    text: ({ outage }) => textOf(outage?.lateAttempts),
    target: { text: '0', isMissed: ({ outage }) => (outage?.lateAttempts ?? 0) > 0, takesStore: true },
  },
  spreadLine('first failure → left alone, ms', ({ outage }) => outage?.leftAfterMs),
  {
    ...spreadLine('store knows → left alone, ms', ({ outage }) => outage?.leftAfterWordMs),
    target: {
      text: `≤ ${whole(LONGEST_WORD_MS)}`,
      isMissed: ({ outage }) => (outage?.leftAfterWordMs?.max ?? 0) > LONGEST_WORD_MS,
      takesStore: true,
    },
  },
  { label: 'instance × deployment, unnoticed', text: ({ outage }) => textOf(outage?.unnoticed) },
  { label: 'windows opened', text: ({ windows }) => whole(windows.opened) },
  countLine('… on deployments that were well', 0, ({ windows }) => windows.openedWrongly),
  {
    label: 'probes per due window',
    text: ({ windows }) => (windows.due === 0 ? NONE : range(windows.leastProbes, windows.mostProbes)),
    target: {
      text: '1',
      isMissed: ({ windows }) => windows.due > 0 && windows.leastProbes * windows.mostProbes !== 1,
      takesStore: true,
    },
  },
  {
    label: 'probes of a deployment at once',
    text: ({ windows }) => (windows.due === 0 ? NONE : whole(windows.atOnce)),
    target: { text: '1', isMissed: ({ windows }) => windows.atOnce > 1, takesStore: true },
  },
  spreadLine('wait to ask for a probe, ms', ({ windows }) => windows.claimMs),
  spreadLine('recovery → taken back, ms', ({ outage }) => outage?.backAfterMs),
  { label: '… not by the end', text: ({ outage }) => textOf(outage?.stillAvoided) },
  spreadLine('recovery → serves again, ms', ({ outage }) => outage?.servedAfterMs),
  { label: 'plain requests', text: ({ healthy }) => whole(healthy.plainRequests) },
  countLine('… that awaited the store', 0, ({ healthy }) => healthy.thatAwaitedStore),
  countLine('… longest added wait, ms', 0, ({ healthy }) => healthy.longestAddedMs),
  {
    label: 'writes per death of a deployment',
    text: ({ outage }) => (outage === null ? NONE : decimal(outage.writes.toTell)),
    target: { text: `≤ ${MOST_WRITES}`, isMissed: ({ outage }) => (outage?.writes.toTell ?? 0) > MOST_WRITES },
  },
  {
    label: '… with probes and recovery',
    text: ({ outage }) => (outage === null ? NONE : decimal(outage.writes.inAll)),
  },
  {
    label: '… with moves and events',
    text: ({ outage }) => (outage === null ? NONE : decimal(outage.writes.everywhere)),
  },
  { label: 'conflicts', text: ({ store }) => whole(store.conflicts) },
  { label: 'calls refused by the store', text: ({ store }) => whole(store.failed) },
  { label: 'times an instance lost the store', text: ({ store }) => whole(store.losses) },
  mostLine('peak entities/s, partition', PARTITION_TARGET, ({ store }) => store.peakPartition.entities),
  { label: '… of the keys', text: ({ store }) => whole(store.peakTables.keys) },
  { label: '… of a quota', text: ({ store }) => whole(store.peakTables.quota) },
  { label: "… of a day's usage", text: ({ store }) => whole(store.peakTables.usage) },
  mostLine('peak entities/s, account', ACCOUNT_TARGET, ({ store }) => store.peakAccount),
  { label: 'peak KB/s', text: ({ store }) => whole(store.peakKilobytesPerSecond) },
  { label: 'largest row, characters', text: ({ store }) => whole(store.largestRowCharacters) },
  { label: 'calls per instance and s, healthy', text: ({ store }) => decimal(store.callsPerInstanceSecond.healthy) },
  { label: '… in trouble', text: ({ store }) => decimal(store.callsPerInstanceSecond.trouble) },
  { label: 'USD a month, healthy', text: ({ store }) => decimal(store.usdPerMonth.healthy) },
  { label: '… in trouble', text: ({ store }) => decimal(store.usdPerMonth.trouble) },
  {
    label: 'store back → of one mind, periods',
    text: ({ convergence }) => (convergence === null ? NONE : (convergence.afterPeriods?.toFixed(2) ?? 'never')),
    target: {
      text: `≤ ${MOST_PERIODS}`,
      isMissed: ({ convergence }) => convergence !== null && (convergence.afterPeriods ?? Infinity) > MOST_PERIODS,
    },
  },
  {
    label: 'keys, changed',
    text: ({ accounts }) => (accounts === null ? NONE : `${accounts.keys}, ${accounts.changes}`),
  },
  {
    label: 'revoked → lets nobody in, ms',
    text: ({ accounts }) => textOf(accounts?.outlivedMs),
    target: {
      text: `≤ ${whole(LONGEST_WORD_MS)}`,
      isMissed: ({ accounts }) => (accounts?.outlivedMs ?? 0) > LONGEST_WORD_MS,
    },
  },
  countLine('new keys not let in', 0, ({ accounts }) => accounts?.shutOut ?? 0),
  { label: 'rightly refused', text: ({ accounts }) => textOf(accounts?.refused) },
  { label: 'waited for their account', text: ({ accounts }) => textOf(accounts?.waits) },
  spreadLine('… ms', ({ accounts }) => accounts?.waitedMs),
  {
    label: 'of a limit: granted at most, %',
    text: ({ accounts }) => (accounts === null || accounts.cap === null ? NONE : decimal(accounts.cap.most)),
    target: { text: '≤ 100', isMissed: ({ accounts }) => (accounts?.cap?.most ?? 0) > 100 },
  },
  {
    label: '… at the first refusal, %',
    text: ({ accounts }) => {
      const percent = accounts?.cap?.atFirstRefusal ?? null;
      return percent === null ? NONE : decimal(percent);
    },
  },
  {
    label: 'requests, tokens the ledger lacks',
    text: ({ accounts }) => (accounts === null ? NONE : `${accounts.missing.requests}, ${accounts.missing.tokens}`),
    target: {
      text: '0, 0',
      isMissed: ({ accounts }) =>
        accounts !== null && (accounts.missing.requests !== 0 || accounts.missing.tokens !== 0),
    },
  },
  { label: 'instances by the census', text: ({ census }) => range(census.least, census.most) },
  countLine("the router's own faults", 0, ({ faults }) => faults.length),
];

/** One column for each scenario; `!` behind what misses its target. */
export function tableOf(all: readonly Figures[]): string {
  const rows = LINES.map(({ label, text, target }) => [
    label,
    ...all.map((figures) => `${text(figures)}${isMissed(target, figures) ? ' !' : ''}`),
    target?.text ?? '',
  ]);
  const head = ['', ...all.map(({ scenario }) => scenario), 'target'];
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => (row[column] ?? '').length)));
  const lines = [head, widths.map((width) => '─'.repeat(width)), ...rows].map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}

/** What misses its target, in sentences. */
export function missesOf(all: readonly Figures[]): string[] {
  return all.flatMap((figures) =>
    LINES.filter(({ target }) => isMissed(target, figures)).map(
      ({ label, text, target }) => `${figures.scenario}: ${label}: ${text(figures)} (target ${target?.text})`,
    ),
  );
}

function isMissed(target: Target | undefined, figures: Figures): boolean {
  if (target === undefined || (target.takesStore === true && figures.convergence !== null)) return false;
  return target.isMissed(figures);
}

function countLine(label: string, target: number, count: (figures: Figures) => number): Line {
  return {
    label,
    text: (figures) => decimal(count(figures)),
    target: { text: String(target), isMissed: (figures) => count(figures) !== target },
  };
}

function mostLine(label: string, most: number, count: (figures: Figures) => number): Line {
  return {
    label,
    text: (figures) => whole(count(figures)),
    target: { text: `< ${whole(most)}`, isMissed: (figures) => count(figures) >= most },
  };
}

function spreadLine(label: string, spread: (figures: Figures) => Spread | null | undefined): Line {
  return {
    label: `${label} (p50/p99/max)`,
    text: (figures) => {
      const found = spread(figures) ?? null;
      return found === null ? NONE : [found.p50, found.p99, found.max].map(whole).join(' / ');
    },
  };
}

function textOf(count: number | undefined): string {
  return count === undefined ? NONE : whole(count);
}

function range(least: number, most: number): string {
  return least === most ? whole(least) : `${whole(least)}–${whole(most)}`;
}

function whole(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

function decimal(count: number): string {
  return count.toLocaleString('en-US', { maximumFractionDigits: 2 });
}
