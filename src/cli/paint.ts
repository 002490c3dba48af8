import { styleText } from 'node:util';
import type { Surroundings } from './surroundings.ts';

export type Colour = 'green' | 'yellow' | 'red' | 'cyan' | 'dim' | 'bold';

/** Colours what stands beside words that say the same. */
export type Paint = (colour: Colour, text: string) => string;

export const plain: Paint = (_colour, text) => text;

const coloured: Paint = (colour, text) => styleText(colour, text, { validateStream: false });

/** https://no-color.org: any value but the empty one. */
export function paintFor({ stdout, env }: Pick<Surroundings, 'stdout' | 'env'>, noColor: boolean): Paint {
  const isWanted = stdout.isTerminal && !noColor && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  return isWanted ? coloured : plain;
}
