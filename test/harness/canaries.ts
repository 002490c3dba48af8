/** Words that must stay where they belong, and the search for them everywhere else. */

export interface Canary {
  /** What it is, for whoever reads that it got out. */
  readonly name: string;
  readonly text: string;
}

/** Found as it is, and in the forms that headers, URLs and rows give it. */
function formsOf(text: string): string[] {
  const bytes = Buffer.from(text);
  const inJson = JSON.stringify(text).slice(1, -1);
  return [text, inJson, encodeURIComponent(text), bytes.toString('hex'), ...base64sOf(bytes)];
}

/** Wherever in a longer text it begins, the middle of its Base64 is one of three. */
function base64sOf(bytes: Buffer): string[] {
  return [0, 1, 2].flatMap((offset) => {
    const shifted = Buffer.concat([Buffer.alloc(offset), bytes]);
    const middle = (text: string): string => text.slice(4, -4);
    return [middle(shifted.toString('base64')), middle(shifted.toString('base64url'))];
  });
}

/** Which of them stand in `texts`, with the place: empty where all are where they belong. */
export function foundIn(
  texts: Iterable<readonly [place: string, text: string]>,
  canaries: readonly Canary[],
): string[] {
  const wanted = canaries.map(({ name, text }) => ({ name, forms: formsOf(text) }));
  const found: string[] = [];
  for (const [place, text] of texts) {
    for (const { name, forms } of wanted) {
      const form = forms.find((one) => text.includes(one));
      if (form === undefined) continue;
      const at = text.indexOf(form);
      found.push(`${name} in ${place}: …${text.slice(Math.max(0, at - 60), at + form.length + 20)}…`);
    }
  }
  return found;
}
