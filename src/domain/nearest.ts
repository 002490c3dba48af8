/** Which of the known names was probably meant: for configuration faults and for unknown models in requests. */

/** Spelling apart from case and separators: `round_robin`, `Round-Robin` and `roundRobin` are one. */
function plain(name: string): string {
  return name.toLowerCase().replace(/[-_.\s]/g, '');
}

/** Damerau's distance: insert, delete, replace, or swap two neighbours. */
function editDistance(left: string, right: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: right.length + 1 }, (_, at) => at);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const same = left[row - 1] === right[column - 1];
      let best = Math.min(
        (current[column - 1] as number) + 1,
        (last[column] as number) + 1,
        (last[column - 1] as number) + (same ? 0 : 1),
      );
      const swapped =
        row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      if (swapped) best = Math.min(best, (beforeLast[column - 2] as number) + 1);
      current.push(best);
    }
    beforeLast = last;
    last = current;
  }
  return last[right.length] as number;
}

/** Names longer than this are cut before they are compared, so that a caller's huge name costs next to nothing. */
const COMPARED_CHARS = 64;

function distance(left: string, right: string): number {
  if (left === right) return -1;
  return editDistance(plain(left.slice(0, COMPARED_CHARS)), plain(right.slice(0, COMPARED_CHARS)));
}

/** Versions and variants are put behind a name: what begins alike is meant sooner than what ends alike. */
function commonStart(left: string, right: string): number {
  let at = 0;
  while (at < left.length && at < COMPARED_CHARS && left[at] === right[at]) at += 1;
  return at;
}

/** All candidates, spelled-close ones first; of equally close ones those that begin alike, else in their order. */
export function closest(name: string, candidates: Iterable<string>): string[] {
  return Array.from(candidates, (candidate) => ({
    candidate,
    far: distance(name, candidate),
    start: commonStart(name, candidate),
  }))
    .sort((left, right) => left.far - right.far || right.start - left.start)
    .map(({ candidate }) => candidate);
}

/** The candidate that was probably meant, or `null` where none is spelled like `name`. */
export function nearMiss(name: string, candidates: Iterable<string>): string | null {
  const best = closest(name, candidates)[0];
  if (best === undefined) return null;
  const letters = Math.min(plain(name).length, plain(best).length);
  return distance(name, best) <= Math.floor(letters / 3) ? best : null;
}
