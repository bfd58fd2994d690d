// SPDX-License-Identifier: GPL-3.0-or-later
// position: places in a list as texts that sort by byte, so that two devices can insert between the same neighbours
// without asking each other (src/state/position.h): the digits of a fraction in base 62, without trailing zeros.

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

const digit = (text: string, at: number, missing: number): number =>
  at < text.length ? DIGITS.indexOf(text[at] as string) : missing;

/** A text strictly between `low` ('' is the beginning) and `high` ('' is the end). */
export function between(low: string, high: string): string {
  let out = '';
  let isBelowHigh = high === '';
  for (let at = 0; ; at++) {
    const from = digit(low, at, 0);
    const to = isBelowHigh ? DIGITS.length : digit(high, at, DIGITS.length);
    if (to - from > 1) return out + DIGITS[(from + to) >> 1];
    out += DIGITS[from];
    if (to > from) isBelowHigh = true;
  }
}

const STEP_DIGITS = 8;
const STEP = 62 ** 3;

/** A text after the last one: a step in the first eight digits, so that lists that grow at their end stay short. */
function after(last: string): string {
  const head = last.slice(0, STEP_DIGITS).padEnd(STEP_DIGITS, '0');
  let value = [...head].reduce((sum, letter) => sum * 62 + DIGITS.indexOf(letter), 0) + STEP;
  if (value >= 62 ** STEP_DIGITS) return between(last, '');
  let out = '';
  for (let i = 0; i < STEP_DIGITS; i++, value = Math.floor(value / 62)) out = DIGITS[value % 62] + out;
  return out.replace(/0+$/, '');
}

/** `count` texts in order behind the last one. */
export function following(last: string, count: number): string[] {
  const out: string[] = [];
  for (let at = last; out.length < count; out.push(at)) at = after(at);
  return out;
}

/** The server takes no longer ones: then the whole list gets new places. */
export const LONGEST = 64;
