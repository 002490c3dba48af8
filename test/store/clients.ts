/** Clients of one store, each with one call under way at a time, and the commands that fast-check gives them. */
import fc from 'fast-check';
import type { Change, Range, Row, Store, Values } from '../../src/store/port.ts';
import { WITHIN_MS } from './contract.ts';
import { type Answer, type Asked, type Before, type Bounds, type Call, explanation, type Place } from './reference.ts';

const TABLE = 'deployments';

/** All that was asked and answered, in the order in which it happened. */
export class History {
  readonly calls: Call[] = [];
  #instant = 0;
  #asked = 0;

  begin(): { readonly id: number; readonly askedAt: number } {
    return { id: this.#asked++, askedAt: this.#instant++ };
  }

  end(call: Omit<Call, 'answeredAt'>): void {
    this.calls.push({ ...call, answeredAt: this.#instant++ });
  }
}

/** The calls as people read them, where no order explains what they were answered. */
export function unexplained({ calls }: History): readonly string[] {
  if (explanation(calls) !== null) return [];
  return calls.map(({ client, asked, answer, askedAt, answeredAt }) => {
    const [question, said] = [JSON.stringify(asked), JSON.stringify(answer)];
    return `${askedAt}-${answeredAt} client ${client} ${question} -> ${said}`;
  });
}

export interface Stage {
  readonly store: Store;
  readonly history: History;
  readonly clients: readonly Client[];
}

export interface StageFacts {
  readonly store: Store;
  /** Rows of other runs lie in other partitions. */
  readonly prefix: string;
  readonly count: number;
  /** Passed before each call is made, and before its client has the answer. */
  readonly gate: () => Promise<void>;
}

export function stageOf({ store, prefix, count, gate }: StageFacts): Stage {
  const history = new History();
  const facts = { store, history, prefix, gate };
  return { store, history, clients: Array.from({ length: count }, (_, name) => new Client(name, facts)) };
}

/** Whose etag a conditional write bears. */
type Bearing = 'current' | 'stale' | 'foreign';

type Wish =
  | { readonly kind: 'get' | 'insert' | 'put'; readonly at: Place }
  | { readonly kind: 'replace'; readonly at: Place; readonly etag: Bearing }
  | { readonly kind: 'remove'; readonly at: Place; readonly etag: Bearing | 'none' }
  | { readonly kind: 'batch'; readonly partition: string; readonly puts: readonly (readonly [string, boolean])[] }
  | { readonly kind: 'list'; readonly partitions: Bounds; readonly rows: Bounds; readonly limit: number }
  | { readonly kind: 'listOn' };

class Client {
  readonly #name: number;
  readonly #facts: Omit<StageFacts, 'count'> & { readonly history: History };
  /** Of each row those that it has seen, the newest last. */
  readonly #etags = new Map<string, string[]>();
  #page: { readonly asked: Asked & { kind: 'list' }; readonly before: Before; readonly next: string } | null = null;
  #writes = 0;
  #last: Promise<void> = Promise.resolve();

  constructor(name: number, facts: Omit<StageFacts, 'count'> & { readonly history: History }) {
    this.#name = name;
    this.#facts = facts;
  }

  /** All that it was told to do is done. */
  get idle(): Promise<void> {
    return this.#last;
  }

  do(wish: Wish): Promise<void> {
    this.#last = this.#last.then(() => this.#do(wish));
    return this.#last;
  }

  async #do(wish: Wish): Promise<void> {
    const { history, gate } = this.#facts;
    await gate();
    // What it knows is what it has been told by now.
    const asked = this.#askedFor(wish);
    if (asked === null) return;
    const { id, askedAt } = history.begin();
    const answer = await this.#ask(asked);
    history.end({ id, client: this.#name, asked, answer, askedAt });
    await gate();
    this.#learn(id, asked, answer);
  }

  #askedFor(wish: Wish): Asked | null {
    switch (wish.kind) {
      case 'get':
        return { kind: 'get', at: this.#own(wish.at) };
      case 'insert':
      case 'put':
        return { kind: wish.kind, at: this.#own(wish.at), values: this.#values() };
      case 'replace': {
        const at = this.#own(wish.at);
        const etag = this.#etagFor(at, wish.etag);
        // Whoever knows no etag looks first.
        return etag === null ? { kind: 'get', at } : { kind: 'replace', at, values: this.#values(), etag };
      }
      case 'remove': {
        const at = this.#own(wish.at);
        const etag = wish.etag === 'none' ? null : this.#etagFor(at, wish.etag);
        return etag === null && wish.etag !== 'none' ? { kind: 'get', at } : { kind: 'remove', at, etag };
      }
      case 'batch':
        return {
          kind: 'batch',
          partition: this.#facts.prefix + wish.partition,
          changes: wish.puts.map(
            ([row, isPut]): Change => (isPut ? { kind: 'put', row, values: this.#values() } : { kind: 'remove', row }),
          ),
        };
      case 'list': {
        const { prefix } = this.#facts;
        const partitions = {
          from: prefix + (wish.partitions.from ?? ''),
          to: prefix + (wish.partitions.to ?? '\uffff'),
        };
        return { ...wish, partitions, before: null };
      }
      case 'listOn':
        return this.#page === null ? null : { ...this.#page.asked, before: this.#page.before };
      default:
        return wish satisfies never;
    }
  }

  async #ask(asked: Asked): Promise<Answer> {
    const { store } = this.#facts;
    switch (asked.kind) {
      case 'get':
        return { kind: 'row', row: await store.get(keyFor(asked.at), WITHIN_MS) };
      case 'insert':
        return { kind: 'written', written: await store.insert(keyFor(asked.at), asked.values, WITHIN_MS) };
      case 'replace':
        return { kind: 'written', written: await store.replace(keyFor(asked.at), asked.values, asked.etag, WITHIN_MS) };
      case 'put':
        await store.put(keyFor(asked.at), asked.values, WITHIN_MS);
        return { kind: 'done' };
      case 'remove':
        return { kind: 'removed', removed: await store.remove(keyFor(asked.at), asked.etag, WITHIN_MS) };
      case 'batch':
        await store.batch(TABLE, asked.partition, asked.changes, WITHIN_MS);
        return { kind: 'done' };
      case 'list': {
        const { partitions, rows, limit, before } = asked;
        const range: Range = { table: TABLE, partitions, rows, limit };
        const after = before === null ? null : (this.#page?.next ?? null);
        return { kind: 'page', page: await store.list({ ...range, after }, WITHIN_MS) };
      }
      default:
        return asked satisfies never;
    }
  }

  #learn(id: number, asked: Asked, answer: Answer): void {
    switch (answer.kind) {
      case 'row':
        if (answer.row !== null) this.#see(answer.row);
        return;
      case 'written':
        if (answer.written.kind === 'written' && 'at' in asked) this.#see({ ...asked.at, etag: answer.written.etag });
        return;
      case 'page': {
        const { rows, next } = answer.page;
        for (const row of rows) this.#see(row);
        if (asked.kind !== 'list') return;
        const last = rows.at(-1) ?? asked.before?.last ?? null;
        this.#page = next === null ? null : { asked, next, before: { call: id, last } };
        return;
      }
      case 'removed':
      case 'done':
        return;
      default:
        answer satisfies never;
    }
  }

  #see({ partition, row, etag }: Pick<Row, 'partition' | 'row' | 'etag'>): void {
    const place = JSON.stringify([partition, row]);
    const known = (this.#etags.get(place) ?? []).filter((one) => one !== etag);
    this.#etags.set(place, [...known, etag]);
  }

  #etagFor(at: Place, bearing: Bearing): string | null {
    const own = JSON.stringify([at.partition, at.row]);
    if (bearing !== 'foreign') return this.#etags.get(own)?.at(bearing === 'current' ? -1 : -2) ?? null;
    const others = [...this.#etags].filter(([place]) => place !== own);
    return others.at(-1)?.[1].at(-1) ?? null;
  }

  #own({ partition, row }: Place): Place {
    return { partition: this.#facts.prefix + partition, row };
  }

  /** No two writes say the same. */
  #values(): Values {
    return { by: this.#name, write: this.#writes++ };
  }
}

function keyFor({ partition, row }: Place) {
  return { table: TABLE, partition, row } as const;
}

/** Waits for the answer: one call at a time. */
class CallCommand implements fc.AsyncCommand<History, Stage> {
  readonly client: number;
  readonly wish: Wish;

  constructor(client: number, wish: Wish) {
    this.client = client;
    this.wish = wish;
  }

  check(): boolean {
    return true;
  }

  async run(_: History, { clients }: Stage): Promise<void> {
    await clients[this.client]?.do(this.wish);
  }

  toString(): string {
    return `client ${this.client}: ${JSON.stringify(this.wish)}`;
  }
}

/** Does not: the next command may come while the call is under way. */
class CallBehind extends CallCommand {
  override run(_: History, { clients }: Stage): Promise<void> {
    // A failure is thrown where everybody's end is waited for.
    clients[this.client]?.do(this.wish).catch(() => undefined);
    return Promise.resolve();
  }
}

const PARTITIONS = ['a', 'b'];
const ROWS = ['1', '2', '3'];

const at = fc.record({ partition: fc.constantFrom(...PARTITIONS), row: fc.constantFrom(...ROWS) });
const bearing = fc.constantFrom<Bearing>('current', 'current', 'stale', 'foreign');
const bounds = (texts: readonly string[]): fc.Arbitrary<Bounds> =>
  fc.record({ from: fc.constantFrom(...texts), to: fc.constantFrom(...texts) }, { requiredKeys: [] });

/** `removing`: whether batches remove rows too. */
function batchOf(removing: boolean): fc.Arbitrary<Wish> {
  const puts = fc.uniqueArray(fc.tuple(fc.constantFrom(...ROWS), removing ? fc.boolean() : fc.constant(true)), {
    selector: ([row]) => row,
    minLength: 1,
  });
  return fc.record({ kind: fc.constant('batch' as const), partition: fc.constantFrom(...PARTITIONS), puts });
}

const replace: fc.Arbitrary<Wish> = fc.record({ kind: fc.constant('replace' as const), at, etag: bearing });

/** What is there more than once is asked for more often. */
const wishes: readonly fc.Arbitrary<Wish>[] = [
  fc.record({ kind: fc.constantFrom('get' as const, 'insert' as const, 'insert' as const, 'put' as const), at }),
  replace,
  replace,
  fc.record({ kind: fc.constant('remove' as const), at, etag: fc.oneof(bearing, fc.constant('none' as const)) }),
  fc.record({
    kind: fc.constant('list' as const),
    partitions: bounds([...PARTITIONS, 'c']),
    rows: bounds([...ROWS, '4']),
    limit: fc.integer({ min: 1, max: 3 }),
  }),
  fc.constant({ kind: 'listOn' as const }),
];

export const CLIENTS = 3;

type Commands = fc.Arbitrary<Iterable<fc.AsyncCommand<History, Stage>>>;

export interface CommandFacts {
  /** Calls overlap. */
  readonly behind: boolean;
  readonly removing: boolean;
  readonly most: number;
}

export function commandsOf({ behind, removing, most }: CommandFacts): Commands {
  const make = behind ? CallBehind : CallCommand;
  const arbitraries = [...wishes, batchOf(removing)].map((wish) =>
    fc.tuple(fc.nat(CLIENTS - 1), wish).map(([client, one]) => new make(client, one)),
  );
  return fc.commands<History, Stage, false>(arbitraries, { maxCommands: most, size: 'max' });
}
