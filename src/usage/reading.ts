/** JSON that anybody may have written, read without trust: what is not there is absent, whatever stands in its place. */
export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : {};
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** `null`: it is no JSON object. */
export function parseFields(text: string): Fields | null {
  try {
    const value: unknown = JSON.parse(text);
    return isFields(value) ? value : null;
  } catch {
    return null;
  }
}

/** The texts among the values. */
export function textsIn(values: readonly unknown[]): string[] {
  return values.filter((value): value is string => typeof value === 'string' && value !== '');
}

/** As JSON again; nothing where it is nested too deep for that. */
export function written(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return '';
  }
}

/** Fields whose texts a model reads or writes, as they stand in JSON; the text may end with the bytes. */
const SAID = /"(?:content|text|input|instructions|prompt|arguments|refusal|delta)"\s*:\s*"((?:[^"\\]+|\\.)*)/g;
/** Of broken JSON no more is looked at; what follows is taken to be alike. */
const LONGEST_BROKEN = 262_144;

/** Of JSON that is cut off or broken: the texts that can still be found. `share`: how much of it was looked at. */
export function textsInBroken(text: string): { readonly texts: string[]; readonly share: number } {
  const seen = text.slice(0, LONGEST_BROKEN);
  const texts = [...seen.matchAll(SAID)].map(([, said = '']) => unquoted(said));
  return { texts, share: text.length === 0 ? 1 : seen.length / text.length };
}

function unquoted(said: string): string {
  try {
    return String(JSON.parse(`"${said}"`));
  } catch {
    // An escape is broken, or cut in two.
    return said;
  }
}
