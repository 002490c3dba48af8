/** How long a deployment asks to be left alone, from the two headers it may say it in; `null` where it says nothing. */
export function retryAfterMs(header: (lowerName: string) => string | null, now: number): number | null {
  return fromMilliseconds(header('retry-after-ms')) ?? fromSecondsOrDate(header('retry-after'), now);
}

function fromMilliseconds(value: string | null): number | null {
  return value !== null && /^\s*\d+(\.\d+)?\s*$/.test(value) ? Math.ceil(Number(value)) : null;
}

/** `Date.parse` makes a date of nearly anything. */
const HTTP_DATE = /^\s*(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? /;

/** RFC 9110, 10.2.3: seconds, or a date. */
function fromSecondsOrDate(value: string | null, now: number): number | null {
  if (value === null) return null;
  if (/^\s*\d+(\.\d+)?\s*$/.test(value)) return Math.ceil(Number(value) * 1000);
  const at = HTTP_DATE.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? null : Math.max(0, at - now);
}
