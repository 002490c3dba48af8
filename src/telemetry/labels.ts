/** What later values of a label are counted as. */
export const OTHER = 'other';

/**
 * Bounds the series a metric can have: each label keeps the first values it sees, whoever comes later counts as `other`. One
 * memory for all metrics, so that an agent is itself in all of them or in none.
 */
export class BoundedLabels {
  readonly #limit: number;
  readonly #known = new Map<string, Set<string>>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  of(label: string, value: string): string {
    const known = this.#known.get(label);
    if (known === undefined) this.#known.set(label, new Set([value]));
    else if (!known.has(value)) {
      if (known.size >= this.#limit) return OTHER;
      known.add(value);
    }
    return value;
  }
}
