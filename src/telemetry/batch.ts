/** Lines wait this long for others to be written with. */
const TOGETHER_MS = 20;

/** Lines written together: a storm of failures must not wait for a terminal line by line. */
export interface Batch {
  add(line: string): void;
  flush(): void;
}

export function createBatch(write: (text: string) => void): Batch {
  let lines: string[] = [];
  const flush = (): void => {
    if (lines.length === 0) return;
    const text = `${lines.join('\n')}\n`;
    lines = [];
    write(text);
  };
  return {
    add(line) {
      if (lines.push(line) === 1) setTimeout(flush, TOGETHER_MS);
    },
    flush,
  };
}
