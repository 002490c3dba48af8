/// <reference lib="dom" />
import uPlot from 'uplot';
import { el, setText } from '../dom.ts';
import { clockTime } from '../words/format.ts';

export interface Series {
  readonly name: string;
  /** The custom property of the style sheet that holds its colour. */
  readonly colour: string;
}

export interface ChartPlan {
  readonly title: string;
  /** Stacked from the bottom up. */
  readonly series: readonly Series[];
  readonly format: (value: number) => string;
}

export interface ChartData {
  /** Instants of the minutes, in milliseconds. */
  readonly at: readonly number[];
  /** One list for each series. */
  readonly values: readonly (readonly number[])[];
}

const HEIGHT = 168;
const NARROWEST = 120;
/** Room for figures such as `$0.012`. */
const AXIS_WIDTH = 52;
const DARK = '(prefers-color-scheme: dark)';

/** Stacked bars, a minute each. The canvas is for the eye; the legend's figures and the table below the charts say the same in text. */
export class Chart {
  readonly node: HTMLElement;
  readonly #plan: ChartPlan;
  readonly #canvas = el('div', { class: 'plot', role: 'img' });
  readonly #when = el('span', { class: 'quiet' });
  readonly #legend: readonly HTMLElement[];
  #data: ChartData = { at: [], values: [] };
  #plot: uPlot | null = null;
  #width = 0;

  constructor(plan: ChartPlan) {
    this.#plan = plan;
    this.#legend = plan.series.map(() => el('strong'));
    const keys = plan.series.map(({ name, colour }, at) =>
      el('li', {}, el('span', { class: 'swatch', 'data-colour': colour }), name, ' ', this.#legend[at] ?? null),
    );
    const title = el('figcaption', {}, el('h3', {}, plan.title), this.#when);
    this.node = el('figure', { class: 'chart' }, title, el('ul', { class: 'legend' }, ...keys), this.#canvas);
    new ResizeObserver(([entry]) => this.#fit(Math.floor(entry?.contentRect.width ?? 0))).observe(this.#canvas);
    matchMedia(DARK).addEventListener('change', () => this.#draw());
  }

  show(data: ChartData): void {
    this.#data = data;
    this.#canvas.setAttribute('aria-label', this.#spoken());
    this.#point(this.#plot?.cursor.idx ?? null);
    if (this.#plot === null) this.#draw();
    else this.#plot.setData(this.#stacked());
  }

  #fit(width: number): void {
    if (width === this.#width || width < NARROWEST) return;
    this.#width = width;
    if (this.#plot === null) this.#draw();
    else this.#plot.setSize({ width, height: HEIGHT });
  }

  #draw(): void {
    if (this.#width === 0 || this.#data.at.length === 0) return;
    this.#plot?.destroy();
    this.#plot = new uPlot(this.#options(), this.#stacked(), this.#canvas);
  }

  /** Each series on top of those before it, the tallest first: the later ones are drawn over it. */
  #stacked(): uPlot.AlignedData {
    const { at, values } = this.#data;
    const tops: number[][] = [];
    for (const own of values) tops.push(own.map((value, index) => value + (tops.at(-1)?.[index] ?? 0)));
    return [at.map((instant) => instant / 1_000), ...tops.reverse()];
  }

  #options(): uPlot.Options {
    const { series, format } = this.#plan;
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string): string => style.getPropertyValue(name).trim();
    const axis = { stroke: colour('--quiet'), font: '11px system-ui, sans-serif', ticks: { show: false } };
    const bars = uPlot.paths.bars?.({ size: [0.75, 14] });
    return {
      width: this.#width,
      height: HEIGHT,
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
      padding: [8, 4, 0, 0],
      scales: { x: { time: true }, y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.1 : 1] } },
      axes: [
        { ...axis, grid: { show: false }, size: 24, space: 64, values: (_plot, marks) => marks.map(minuteText) },
        {
          ...axis,
          grid: { stroke: colour('--line'), width: 1 },
          size: AXIS_WIDTH,
          space: 36,
          values: (_plot, marks) => marks.map((mark) => format(mark)),
        },
      ],
      series: [
        {},
        ...series.toReversed().map((one) => ({
          fill: colour(one.colour),
          width: 0,
          points: { show: false },
          ...(bars === undefined ? {} : { paths: bars }),
        })),
      ],
      hooks: { setCursor: [(plot) => this.#point(plot.cursor.idx ?? null)] },
    };
  }

  /** The legend tells the minute under the pointer, else the hour. */
  #point(index: number | null): void {
    const { at, values } = this.#data;
    const instant = index === null ? undefined : at[index];
    setText(this.#when, instant === undefined ? 'last hour' : minuteText(instant / 1_000));
    for (const [order, key] of this.#legend.entries()) {
      const own = values[order] ?? [];
      setText(key, this.#plan.format(instant === undefined ? total(own) : (own[index ?? 0] ?? 0)));
    }
  }

  #spoken(): string {
    const sums = this.#plan.series.map(
      ({ name }, at) => `${name} ${this.#plan.format(total(this.#data.values[at] ?? []))}`,
    );
    return `${this.#plan.title}, last hour: ${sums.join(', ')}`;
  }
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function minuteText(seconds: number): string {
  return clockTime(seconds * 1_000, seconds * 1_000).slice(0, 5);
}
