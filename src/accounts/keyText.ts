/** The text of a key: what its holder sends, and what nobody keeps. */

/** Hands out so many random bytes. */
export type RandomBytes = (count: number) => Buffer;

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const ID_CHARS = 10;
const SECRET_BYTES = 32;

const FORM = /^aor_[a-z2-7]{10}_[A-Za-z0-9_-]{43}$/;

/** Whether this could be one at all: what could not costs the store no question. */
export function isKeyText(text: string): boolean {
  return text.startsWith('aor_') && FORM.test(text);
}

/** The prefix lets scanners of repositories find keys that were checked in; the id names a key without betraying it. */
export function makeKeyText(random: RandomBytes): { readonly id: string; readonly text: string } {
  const id = Array.from(random(ID_CHARS), (byte) => ALPHABET[byte % ALPHABET.length]).join('');
  return { id, text: `aor_${id}_${random(SECRET_BYTES).toString('base64url')}` };
}
