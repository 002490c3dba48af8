import { type HeaderList, headerValue } from '../domain/message.ts';

/** Answers that came to an end before they were through: by length, by a filter, by the deployment. */
const CUT =
  /"finish_reason"\s*:\s*"(?:length|content_filter)"|"status"\s*:\s*"(?:incomplete|failed|cancelled|queued|in_progress)"/;
const DONE = /\ndata: ?\[DONE\]\s*$/;
const COMPLETED = /"type"\s*:\s*"response\.completed"/;
/** A stream that was begun again elsewhere, or ends with an error: whoever comes later gets a better one. */
const TROUBLED = /(?:^|\n)(?:: router restart|event: ?(?:error|router\.restart))|(?:^|\n)data: ?\{"error"/;

/** Whether an answer with status 200 is all of what was asked for, as one may give it to the next who asks. */
export function isWhole(body: Buffer, headers: HeaderList, isStream: boolean): boolean {
  // What is compressed cannot be looked into at this price.
  if ((headerValue(headers, 'content-encoding') ?? 'identity') !== 'identity') return false;
  const text = body.toString('latin1');
  if (!isStream) return !CUT.test(text);
  if (TROUBLED.test(text)) return false;
  // Events on the way say of the response that it is in progress: the last one counts.
  if (COMPLETED.test(text)) return true;
  return DONE.test(text) && !CUT.test(text);
}
