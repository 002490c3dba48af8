const LONGEST_NAME = 60;

/** Where it happened and its kind, never its message: messages may quote what they stumbled over. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const name = /^\w+$/.test(error.name) && error.name.length <= LONGEST_NAME ? error.name : 'Error';
  const place = placeOf(error);
  return place === null ? name : `${name} ${place}`;
}

/** A stack repeats the message, whose own lines may look like a place: only what stands behind it counts. */
function placeOf({ stack, message }: Error): string | null {
  if (stack === undefined) return null;
  const begin = stack.indexOf(message);
  if (begin < 0) return null;
  return /^\s+(at .*:\d+:\d+\)?)$/m.exec(stack.slice(begin + message.length))?.[1] ?? null;
}
