/// <reference lib="dom" />
/**
 * The page's own small way with the document: elements made from data, changed in place. Texts become text nodes and nothing else,
 * so names that look like markup are shown as they are written.
 */

export type Child = Node | string | null;

type Attributes = Readonly<Record<string, string | boolean | null>>;

/** `true` sets an attribute without a value; `false` and `null` leave it out. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(made, name, value);
  for (const child of children) if (child !== null) made.append(child);
  return made;
}

/** Only where it differs: what is not touched keeps focus, selection and the screen reader's peace. */
export function setAttribute(on: Element, name: string, value: string | boolean | null): void {
  if (value === null || value === false) {
    if (on.hasAttribute(name)) on.removeAttribute(name);
    return;
  }
  const text = value === true ? '' : value;
  if (on.getAttribute(name) !== text) on.setAttribute(name, text);
}

export function setText(on: Element, text: string): void {
  const { firstChild } = on;
  if (firstChild instanceof Text && on.childNodes.length === 1) {
    if (firstChild.data !== text) firstChild.data = text;
  } else if (on.textContent !== text) on.textContent = text;
}

/** Whoever stands on what goes is led to its neighbour, not back to the top of the page. */
export function setHidden(on: HTMLElement, isHidden: boolean): void {
  if (on.hidden === isHidden) return;
  const hadFocus = isHidden && on.contains(document.activeElement);
  on.hidden = isHidden;
  if (!hadFocus) return;
  const neighbour = on.parentElement?.querySelector('button:not([hidden])');
  if (neighbour instanceof HTMLElement) neighbour.focus({ preventScroll: true });
}

/** The element of the page's own document with this id, of the class that the caller expects. */
export function byId<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id);
  if (found instanceof type) return found;
  throw new Error(`The page has no ${type.name} with the id ${id}.`);
}

export interface Row<T> {
  readonly node: Element;
  update(item: T): void;
}

/** Rows that follow a list: made once for each key, updated in place, moved only where the order changed. */
export class KeyedRows<T> {
  readonly #parent: Element;
  readonly #key: (item: T) => string;
  readonly #make: (item: T) => Row<T>;
  readonly #head: Element | null;
  readonly #rows = new Map<string, Row<T>>();

  /** The rows come after `head`, where the parent has one. */
  constructor(parent: Element, key: (item: T) => string, make: (item: T) => Row<T>, head: Element | null = null) {
    this.#parent = parent;
    this.#key = key;
    this.#make = make;
    this.#head = head;
  }

  show(items: readonly T[]): void {
    const focused = document.activeElement;
    const wanted = new Map(items.map((item) => [this.#key(item), item]));
    for (const [key, row] of this.#rows) {
      if (wanted.has(key)) continue;
      row.node.remove();
      this.#rows.delete(key);
    }
    let place = this.#head === null ? this.#parent.firstElementChild : this.#head.nextElementSibling;
    for (const [key, item] of wanted) {
      const row = this.#rows.get(key) ?? this.#make(item);
      this.#rows.set(key, row);
      if (row.node === place) place = place.nextElementSibling;
      else this.#parent.insertBefore(row.node, place);
      row.update(item);
    }
    // A node that is moved within the document loses the focus on the way.
    if (focused instanceof HTMLElement && document.activeElement === document.body && this.#parent.contains(focused))
      focused.focus({ preventScroll: true });
  }
}

const SVG = 'http://www.w3.org/2000/svg';

/** Shapes on a 16 by 16 grid: states are told apart by form as well as by colour. */
const SHAPES = {
  good: 'M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13Zm3.3 4.9-4 4.3a.75.75 0 0 1-1.1 0L4.5 9l1-1 1.2 1.2 3.5-3.8Z',
  wait: 'M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13Zm.75 3v3.2l2.1 2.1-1 1-2.6-2.5V4.500Z',
  bad: 'M8.9 1.9a1 1 0 0 0-1.8 0L1.300 12.600A1 1 0 0 0 2.200 14h11.600a1 1 0 0 0 .9-1.400ZM7.250 5.500h1.500v4h-1.500Zm0 5.250h1.500v1.500h-1.500Z',
  off: 'M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM4.750 7.250h6.500v1.500h-6.500Z',
} as const;

export type Shape = keyof typeof SHAPES;

/** Beside it stands its meaning in words. */
export function icon(shape: Shape): SVGSVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  for (const [name, value] of Object.entries({ viewBox: '0 0 16 16', 'aria-hidden': 'true', class: 'icon' }))
    svg.setAttribute(name, value);
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('fill-rule', 'evenodd');
  svg.append(path);
  setShape(svg, shape);
  return svg;
}

export function setShape(svg: SVGSVGElement, shape: Shape): void {
  const path = svg.firstElementChild;
  if (path !== null) setAttribute(path, 'd', SHAPES[shape]);
}

export interface Bar {
  readonly node: HTMLElement;
  /** 0 to 1; `null` shows none. */
  show(share: number | null, tone?: Shape | 'plain'): void;
}

/** A figure's picture; the figure itself stands beside it as text. */
export function bar(): Bar {
  const fill = el('span', { class: 'bar-fill' });
  const node = el('span', { class: 'bar', 'aria-hidden': 'true' }, fill);
  return {
    node,
    show(share, tone = 'plain') {
      setHidden(node, share === null);
      // Through the object model: a style attribute is what the page's policy forbids.
      const width = `${(Math.min(1, Math.max(0, share ?? 0)) * 100).toFixed(1)}%`;
      if (fill.style.width !== width) fill.style.width = width;
      setAttribute(node, 'data-tone', tone);
    },
  };
}

export function timeElement(): HTMLTimeElement {
  return el('time', {}, '');
}

export function setTime(on: HTMLTimeElement, instant: string | null, text: string): void {
  setText(on, text);
  setAttribute(on, 'datetime', instant);
  setAttribute(on, 'title', instant);
}
