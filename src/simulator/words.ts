/** Words to answer with: an echo of the question and seeded prose, the same for the same question. */
import type { Draw } from '../domain/clock.ts';
import { pick, wholeBetween } from './seeded.ts';

const WORDS = [
  'after',
  'allows',
  'answer',
  'balance',
  'because',
  'between',
  'calm',
  'carries',
  'changes',
  'clear',
  'code',
  'complete',
  'each',
  'early',
  'evidence',
  'follows',
  'from',
  'gives',
  'ground',
  'holds',
  'house',
  'in',
  'it',
  'keeps',
  'known',
  'large',
  'later',
  'level',
  'light',
  'line',
  'makes',
  'many',
  'measure',
  'moment',
  'much',
  'near',
  'note',
  'of',
  'often',
  'order',
  'other',
  'over',
  'part',
  'path',
  'plain',
  'point',
  'question',
  'record',
  'result',
  'river',
  'room',
  'rule',
  'same',
  'shows',
  'small',
  'some',
  'stands',
  'still',
  'table',
  'that',
  'the',
  'through',
  'time',
  'under',
  'value',
  'water',
  'when',
  'with',
] as const;

const ECHO_LENGTH = 80;

/** `[[words:500]]` in the question asks for that many words. */
const WORDS_WANTED = /\[\[words:(\d{1,6})\]\]/;

export function proseFor(question: string, draw: Draw): string {
  const wanted = WORDS_WANTED.exec(question)?.[1];
  const echo = question
    .replaceAll(/\[\[[^\]]*\]\]/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
  const shown = echo.length > ECHO_LENGTH ? `${[...echo.slice(0, ECHO_LENGTH)].slice(0, -1).join('')}…` : echo;
  const opening = shown === '' ? 'I have read that.' : `You said: "${shown}".`;
  return `${opening} ${sentences(wanted === undefined ? wholeBetween(draw, 18, 48) : Number(wanted), draw)}`;
}

function sentences(count: number, draw: Draw): string {
  const words: string[] = [];
  let leftInSentence = 0;
  for (let i = 0; i < count; i++) {
    const word = pick(draw, WORDS);
    const first = leftInSentence === 0;
    if (first) leftInSentence = wholeBetween(draw, 6, 12);
    leftInSentence -= 1;
    const last = leftInSentence === 0 || i === count - 1;
    words.push(`${first ? word.slice(0, 1).toUpperCase() + word.slice(1) : word}${last ? '.' : ''}`);
  }
  return words.join(' ');
}
