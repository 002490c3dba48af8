import { timingSafeEqual } from 'node:crypto';
import { DEFAULT_ACCOUNT, type Principal } from '../domain/account.ts';
import type { Clock } from '../domain/clock.ts';
import type { RouterConfig } from '../domain/config.ts';
import { RouterError } from '../domain/errors.ts';
import type { HeaderList } from '../domain/message.ts';
import { credentialIn, digestOf, unauthorized } from './credential.ts';
import type { EntraTokens, TokenHolder } from './entra.ts';
import type { Key } from './keyRow.ts';
import { isKeyText } from './keyText.ts';
import { ofAccount, principalFor } from './principal.ts';
import type { Refusals } from './refusals.ts';
import type { Throttle } from './throttle.ts';

/** Synchronous wherever memory has the answer. `source` is where the request came from, for those who guess. */
export interface Gate {
  /** Throws unless the request may use the data plane. */
  admitCaller(headers: HeaderList, source: string): Principal | Promise<Principal>;
  /** Throws unless the request may use the control plane. */
  admitAdmin(headers: HeaderList, source: string): undefined | Promise<undefined>;
  isAdmin(headers: HeaderList, source: string): boolean | Promise<boolean>;
}

export interface GateSettings {
  readonly adminKey: string | null;
  readonly callerKeys: readonly string[];
  /** Reachable from this machine alone: until there is a key, none is needed. */
  readonly loopbackOnly: boolean;
}

/** The made keys, as a gate sees them. */
export interface KnownKeys {
  readonly hasKeys: boolean | null;
  ready(): Promise<void>;
  recall(digest: string): Key | null;
  find(digest: string): Promise<Key | null>;
}

export interface GateFacts {
  readonly settings: GateSettings;
  readonly config: Pick<RouterConfig, 'plans' | 'accounts'>;
  readonly keys: KnownKeys;
  readonly tokens: EntraTokens;
  readonly throttle: Throttle;
  readonly refusals: Refusals;
  readonly clock: Clock;
}

type Holder =
  | { readonly kind: 'admin' }
  | { readonly kind: 'caller' }
  | { readonly kind: 'key'; readonly key: Key }
  | { readonly kind: 'token'; readonly token: TokenHolder };

interface Shown {
  readonly text: string;
  readonly digest: string;
  readonly source: string;
}

/** Longest wait of a request to learn whether keys are needed at all. */
const FIRST_LOOK_MS = 250;

const ADMIN: Holder = { kind: 'admin' };
const CALLER: Holder = { kind: 'caller' };
const UNKNOWN = 'The key is not known here.';
const NEEDED = 'A key is needed: send it as "api-key: …" or "Authorization: Bearer …".';

export function createGate(facts: GateFacts): Gate {
  return new KeyGate(facts);
}

class KeyGate implements Gate {
  readonly #facts: GateFacts;
  readonly #admin: Buffer | null;
  readonly #callers: readonly Buffer[];
  readonly #openToAdmins: boolean;
  readonly #stranger: Principal;
  readonly #ofKeys: { readonly admin: Principal; readonly caller: Principal };
  readonly #principals = new WeakMap<Key | TokenHolder, Principal>();
  readonly #checking = new Map<string, Promise<Holder>>();
  #looking: Promise<void> | null = null;
  #hasLooked = false;

  constructor(facts: GateFacts) {
    this.#facts = facts;
    const { adminKey, callerKeys, loopbackOnly } = facts.settings;
    this.#admin = adminKey === null ? null : Buffer.from(digestOf(adminKey));
    this.#callers = callerKeys.map((key) => Buffer.from(digestOf(key)));
    this.#openToAdmins = loopbackOnly && adminKey === null && callerKeys.length === 0;
    const ofDefault = (keyId: string | null) => principalFor(facts.config, ofAccount(DEFAULT_ACCOUNT, keyId));
    this.#stranger = ofDefault(null);
    this.#ofKeys = { admin: ofDefault('ROUTER_ADMIN_KEY'), caller: ofDefault('ROUTER_API_KEY') };
  }

  admitCaller(headers: HeaderList, source: string): Principal | Promise<Principal> {
    const { settings, keys } = this.#facts;
    if (!settings.loopbackOnly || this.#callers.length > 0 || keys.hasKeys === true)
      return this.#admit(headers, source);
    if (keys.hasKeys === false) return this.#admitAnybody(headers, source);
    // A key that was made before this process began closes the door; where that cannot be found out, it is as if there were none.
    this.#looking ??= this.#firstLook();
    return this.#hasLooked
      ? this.#admitAnybody(headers, source)
      : this.#looking.then(() => this.admitCaller(headers, source));
  }

  /** What the store does not answer soon is not waited for on this machine: the door stands open until it does. */
  #firstLook(): Promise<void> {
    const { clock, keys } = this.#facts;
    return new Promise((resolve, reject) => {
      const looked = (): void => {
        this.#hasLooked = true;
        resolve();
      };
      const stop = clock.after(FIRST_LOOK_MS, looked);
      keys.ready().then(looked, reject).finally(stop);
    });
  }

  admitAdmin(headers: HeaderList, source: string): undefined | Promise<undefined> {
    if (this.#openToAdmins) return undefined;
    const holder = this.#holder(headers, source);
    return holder instanceof Promise ? holder.then((one) => this.#requireAdmin(one)) : this.#requireAdmin(holder);
  }

  isAdmin(headers: HeaderList, source: string): boolean | Promise<boolean> {
    // Asked of people who look at a page: no credential is no offence.
    if (!this.#openToAdmins && credentialIn(headers) === null) return false;
    try {
      const admitted = this.admitAdmin(headers, source);
      return admitted === undefined ? true : admitted.then(() => true, isNoAdmin);
    } catch (error) {
      return isNoAdmin(error);
    }
  }

  #admit(headers: HeaderList, source: string): Principal | Promise<Principal> {
    const holder = this.#holder(headers, source);
    return holder instanceof Promise ? holder.then((one) => this.#principal(one)) : this.#principal(holder);
  }

  /** Whoever shows a good credential is its holder here too; nobody else is refused. */
  #admitAnybody(headers: HeaderList, source: string): Principal | Promise<Principal> {
    const text = credentialIn(headers);
    if (text === null || !this.#canBeChecked(text)) return this.#stranger;
    const shown = { text, digest: digestOf(text), source };
    const known = this.#recall(shown);
    if (known !== null) return this.#principal(known);
    return this.#check(shown).then(
      (holder) => this.#principal(holder),
      (error: unknown) => {
        if (error instanceof RouterError) return this.#stranger;
        throw error;
      },
    );
  }

  #holder(headers: HeaderList, source: string): Holder | Promise<Holder> {
    const text = credentialIn(headers);
    if (text === null) throw unauthorized(NEEDED);
    const shown = { text, digest: digestOf(text), source };
    const known = this.#recall(shown);
    if (known !== null) return known;
    if (this.#canBeChecked(text)) return this.#check(shown).catch((error: unknown) => this.#refuse(error));
    try {
      this.#facts.throttle.refuse(source);
    } catch (error) {
      return this.#refuse(error);
    }
    return this.#refuse(unauthorized(UNKNOWN));
  }

  #recall({ digest }: Shown): Holder | null {
    const { keys, tokens } = this.#facts;
    if (this.#admin !== null || this.#callers.length > 0) {
      const shown = Buffer.from(digest);
      if (this.#admin !== null && timingSafeEqual(shown, this.#admin)) return ADMIN;
      // All of them, wherever the right one stands: how long it takes says nothing.
      if (this.#callers.reduce((found, one) => timingSafeEqual(shown, one) || found, false)) return CALLER;
    }
    const key = keys.recall(digest);
    if (key !== null) return { kind: 'key', key };
    const token = tokens.recall(digest);
    return token === null ? null : { kind: 'token', token };
  }

  #canBeChecked(text: string): boolean {
    return isKeyText(text) || this.#facts.tokens.isToken(text);
  }

  /** However many requests of a source show the same credential, it is looked into once. */
  #check(shown: Shown): Promise<Holder> {
    const name = `${shown.digest} ${shown.source}`;
    const checking = this.#checking.get(name);
    if (checking !== undefined) return checking;
    const begun = this.#examineInTurn(shown).finally(() => this.#checking.delete(name));
    this.#checking.set(name, begun);
    return begun;
  }

  async #examineInTurn(shown: Shown): Promise<Holder> {
    const check = await this.#facts.throttle.admit(shown.source);
    try {
      const holder = await this.#examine(shown);
      check.passed();
      return holder;
    } catch (error) {
      // Where nobody could tell, nobody was refused.
      if (isRefusal(error)) check.refused();
      else check.passed();
      throw error;
    }
  }

  async #examine({ text, digest }: Shown): Promise<Holder> {
    const { keys, tokens } = this.#facts;
    if (!isKeyText(text)) return { kind: 'token', token: await tokens.verify(text, digest) };
    const key = await keys.find(digest);
    if (key === null) throw unauthorized(UNKNOWN);
    return { kind: 'key', key };
  }

  #principal(holder: Holder): Principal {
    switch (holder.kind) {
      case 'admin':
      case 'caller':
        return this.#ofKeys[holder.kind];
      case 'key': {
        const { key } = holder;
        this.#requireUnexpired(key);
        return this.#principalOf(key, () => ({ ...key, keyId: key.id }));
      }
      case 'token': {
        const { account, application } = holder.token;
        return this.#principalOf(holder.token, () => ofAccount(account, application));
      }
      default:
        return holder satisfies never;
    }
  }

  #principalOf(whose: Key | TokenHolder, standing: () => Parameters<typeof principalFor>[1]): Principal {
    const known = this.#principals.get(whose);
    if (known !== undefined) return known;
    const principal = principalFor(this.#facts.config, standing());
    this.#principals.set(whose, principal);
    return principal;
  }

  #requireAdmin(holder: Holder): undefined {
    if (holder.kind === 'admin' || (holder.kind === 'token' && holder.token.isAdmin)) return undefined;
    if (holder.kind === 'key') this.#requireUnexpired(holder.key);
    const needed = holder.kind === 'token' ? 'the admin role' : 'the admin key';
    throw new RouterError('forbidden', `This needs ${needed}.`);
  }

  /** Its holder is known, and hears of it however often it asks: others behind the same address are not to suffer. */
  #requireUnexpired({ expiresAt }: Key): void {
    if (expiresAt === null || this.#facts.clock.now() < expiresAt) return;
    this.#refuse(unauthorized(`The key expired on ${new Date(expiresAt).toISOString()}.`));
  }

  #refuse(error: unknown): never {
    if (isRefusal(error)) this.#facts.refusals.add({ throttled: error.status === 429 });
    throw error;
  }
}

function isRefusal(error: unknown): error is RouterError {
  return error instanceof RouterError && [401, 403, 429].includes(error.status);
}

function isNoAdmin(error: unknown): false {
  if (error instanceof RouterError) return false;
  throw error;
}
