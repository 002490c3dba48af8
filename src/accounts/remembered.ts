/** What holds until an instant; beyond `most` entries whoever came first is forgotten first. */
export class Remembered<V> {
  readonly #most: number;
  readonly #entries = new Map<string, { readonly value: V; readonly until: number }>();

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#entries.size;
  }

  at(key: string, now: number): V | null {
    const entry = this.#entries.get(key);
    if (entry === undefined) return null;
    if (entry.until > now) return entry.value;
    this.#entries.delete(key);
    return null;
  }

  keep(key: string, value: V, until: number): void {
    this.#entries.delete(key);
    this.#entries.set(key, { value, until });
    if (this.#entries.size <= this.#most) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      return;
    }
  }
}
