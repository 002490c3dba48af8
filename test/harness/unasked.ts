/** What a deployment would have sent had the router not asked it for the usage of its stream. */
export function unasked(sent: Buffer | null): Buffer | null {
  if (sent === null) return null;
  const text = sent
    .toString('utf8')
    .split('\n\n')
    .filter((event) => !/^data: \{"choices":\[\],.*"usage":\{/.test(event))
    .map((event) => event.replace(/,"usage":null\}$/, '}'))
    .join('\n\n');
  return Buffer.from(text);
}
