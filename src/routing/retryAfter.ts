/** How long a deployment asks to be left alone, from the two headers it may say it in; `null` where it says nothing. */
export function retryAfterMs(header: (lowerName: string) => string | null, now: number): number | null {
  return fromMilliseconds(header('retry-after-ms')) ?? fromSecondsOrDate(header('retry-after'), now);
}

function fromMilliseconds(value: string | null): number | null {
  return value !== null && /^\s*\d+(\.\d+)?\s*$/.test(value) ? Math.ceil(Number(value)) : null;
}

/** RFC 9110, 10.2.3: seconds, or a date. */
function fromSecondsOrDate(value: string | null, now: number): number | null {
  if (value === null) return null;
  if (/^\s*\d+(\.\d+)?\s*$/.test(value)) return Math.ceil(Number(value) * 1000);
  const at = Date.parse(value);
  return Number.isNaN(at) ? null : Math.max(0, at - now);
}
