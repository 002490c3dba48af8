import { type HeaderList, headerValues } from '../domain/message.ts';

/** RFC 9110, 12.5.3: whether an asker takes this coding (`*`: any that is not named); `null`: it does not say. */
export function takesCoding(headers: HeaderList, coding: string): boolean | null {
  const asked = headerValues(headers, 'accept-encoding').flatMap((value) => value.toLowerCase().split(','));
  const own = asked.find((one) => one.split(';', 1)[0]?.trim() === coding);
  return own === undefined ? null : !/;\s*q=0(?:\.0*)?\s*$/.test(own);
}
