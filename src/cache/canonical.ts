/** The same body in other words: members in any order, with or without spaces. */

interface Source {
  readonly source?: string;
}

/** A number as it was written: of two that a double cannot tell apart each stays what it is. */
class Written {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** `null`: it is no JSON that could be told apart from others. */
export function canonical(body: Buffer): string | null {
  try {
    return textOf(JSON.parse(body.toString('utf8'), keepNumbers) as unknown);
  } catch {
    return null;
  }
}

function keepNumbers(_: string, value: unknown, context?: Source): unknown {
  return typeof value === 'number' ? new Written(context?.source ?? String(value)) : value;
}

function textOf(value: unknown): string {
  if (value instanceof Written) return value.text;
  if (Array.isArray(value)) return `[${value.map(textOf).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${textOf(member)}`).join(',')}}`;
}
