/** A run as a picture: one panel above the other over the same time, readable on light and dark. */
import type { Run } from './run.ts';
import type { Fault } from './scenario.ts';
import { PARTITION_TARGET } from './scenarios.ts';

const WIDTH = 860;
const LEFT = 60;
const RIGHT = 210;
const TOP = 64;
const PANEL = 120;
const GAP = 44;
const PLOT_WIDTH = WIDTH - LEFT - RIGHT;
const MOST_LINES = 5;
/** What arrived in the last seconds is still under way: they are not drawn. */
const UNFINISHED_SECONDS = 5;

interface Line {
  readonly name: string;
  readonly values: readonly number[];
}

interface Panel {
  readonly title: string;
  readonly lines: readonly Line[];
  /** What should not be crossed. */
  readonly limit?: number;
}

const STYLE = `
    text{fill:#1f2328}.small{font-size:11px;fill:#57606a}.axis{stroke:#8b949e;stroke-width:1}.grid{stroke:#8b949e;stroke-width:.5;opacity:.35}
    .fault{fill:#cf222e;opacity:.1}.limit{stroke:#cf222e;stroke-dasharray:5 4}polyline{fill:none;stroke-width:1.6;stroke-linejoin:round}
    .c0{stroke:#0969da}.c1{stroke:#bc4c00}.c2{stroke:#1a7f37}.c3{stroke:#8250df}.c4{stroke:#bf3989}
    @media (prefers-color-scheme:dark){text{fill:#e6edf3}.small{fill:#8b949e}.fault{opacity:.25}
    .c0{stroke:#58a6ff}.c1{stroke:#f0883e}.c2{stroke:#3fb950}.c3{stroke:#bc8cff}.c4{stroke:#f778ba}}`;

export function plot(run: Run): string {
  const { scenario, seed } = run;
  const panels = panelsOf(run);
  const height = TOP + panels.length * (PANEL + GAP);
  const title = `${scenario.name}: ${scenario.instances} instances, ${scenario.config.deployments.size} deployments`;
  const about = `${scenario.about}; ${scenario.requestsPerSecond} requests/s of each instance, seed ${seed}`;
  const seconds = Math.max(1, scenario.lastsMs / 1_000 - UNFINISHED_SECONDS);
  const drawn = panels.map((panel, index) => drawPanel(panel, TOP + index * (PANEL + GAP), scenario.faults, seconds));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="t d" font-family="system-ui, sans-serif" font-size="13">
  <title id="t">${escaped(title)}</title>
  <desc id="d">${escaped(about)}</desc>
  <style>${STYLE}
  </style>
  <text x="${LEFT}" y="20" font-size="15" font-weight="600">${escaped(title)}</text>
  <text class="small" x="${LEFT}" y="37">${escaped(about)}</text>
${drawn.join('\n')}
</svg>
`;
}

function panelsOf({ measures, ledger }: Run): Panel[] {
  const { requests, failovers, errors, deadAttempts, lateAttempts, probes, refusals } = measures.series;
  const partitions = ledger
    .partitions()
    .map((name) => ({ name: nameOf(name), values: ledger.series('entities', { partition: name }) }))
    .sort((left, right) => Math.max(...right.values) - Math.max(...left.values))
    .slice(0, MOST_LINES);
  return [
    {
      title: 'requests a second (beside each name: the busiest)',
      lines: [
        { name: 'requests', values: requests },
        { name: 'with a failover', values: failovers },
        { name: 'errors seen', values: errors },
      ],
    },
    {
      title: 'attempts a second',
      lines: [
        { name: 'on dead deployments', values: deadAttempts },
        { name: '… late, no probes', values: lateAttempts },
        { name: 'probes', values: probes },
        { name: 'answered 429', values: refusals },
      ],
    },
    { title: 'store: entities a second, by partition', lines: partitions, limit: PARTITION_TARGET },
  ];
}

/** The day of a partition of events says nothing here. */
function nameOf(partition: string): string {
  return partition.replace(/\/\d{4}-\d\d-\d\d$/, '');
}

function drawPanel({ title, lines, limit }: Panel, top: number, faults: readonly Fault[], seconds: number): string {
  const most = niceCeiling(Math.max(1, ...lines.flatMap(({ values }) => values)));
  const y = (value: number) => round(top + PANEL - (value / most) * PANEL);
  const x = (second: number) => round(LEFT + (second / seconds) * PLOT_WIDTH);
  const bottom = top + PANEL;
  const marks = [0, 0.5, 1].map((share) => share * most);
  return [
    `  <text x="${LEFT}" y="${top - 8}">${escaped(title)}</text>`,
    ...faults.map(({ fromMs, toMs }) => {
      const from = x(fromMs / 1_000);
      return `  <rect class="fault" x="${from}" y="${top}" width="${round(x(toMs / 1_000) - from)}" height="${PANEL}"/>`;
    }),
    ...marks.map(
      (mark) =>
        `  <path class="grid" d="M${LEFT} ${y(mark)}H${LEFT + PLOT_WIDTH}"/><text class="small" x="${LEFT - 6}" y="${y(mark) + 4}" text-anchor="end">${mark.toLocaleString('en-US')}</text>`,
    ),
    ...ticksFor(seconds).map(
      (second) => `  <text class="small" x="${x(second)}" y="${bottom + 14}" text-anchor="middle">${second} s</text>`,
    ),
    limit === undefined || limit > most ? '' : `  <path class="limit" d="M${LEFT} ${y(limit)}H${LEFT + PLOT_WIDTH}"/>`,
    ...lines.map(({ values }, index) => {
      const points = values
        .slice(0, seconds)
        .map((value, second) => `${x(second)},${y(value)}`)
        .join(' ');
      return `  <polyline class="c${index}" points="${points}"/>`;
    }),
    ...lines.map(({ name, values }, index) => legend(name, values, { index, top })),
    `  <path class="axis" d="M${LEFT} ${bottom}H${LEFT + PLOT_WIDTH}"/>`,
  ]
    .filter((line) => line !== '')
    .join('\n');
}

interface Place {
  readonly index: number;
  readonly top: number;
}

function legend(name: string, values: readonly number[], { index, top }: Place): string {
  const x = LEFT + PLOT_WIDTH + 12;
  const y = top + 10 + index * 22;
  // The busiest second, as thin peaks are hard to read.
  const peak = Math.max(0, ...values).toLocaleString('en-US');
  return `  <path class="c${index}" d="M${x} ${y - 4}h14" stroke-width="3"/><text class="small" x="${x + 20}" y="${y}">${escaped(name)} · ${peak}</text>`;
}

/** The next of 1, 2, 5, 10, 20, … */
function niceCeiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5].find((one) => one * power >= value) ?? 10) * power;
}

function ticksFor(seconds: number): number[] {
  const step = [5, 10, 20, 30, 60].find((one) => seconds / one <= 10) ?? 120;
  return Array.from({ length: Math.floor(seconds / step) + 1 }, (_, index) => index * step);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
