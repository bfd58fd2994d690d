// SPDX-License-Identifier: GPL-3.0-or-later
// position: places in a list as texts that sort by byte, so that two devices can insert between the same neighbours
// without asking each other (src/state/position.h).  Digits and letters; never ends in the lowest digit.

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

/** `count` texts in order between two places, evenly spread so that they stay short. */
export function spread(low: string, high: string, count: number): string[] {
  if (count <= 0) return [];
  const middle = between(low, high);
  const left = (count - 1) >> 1;
  return [...spread(low, middle, left), middle, ...spread(middle, high, count - 1 - left)];
}
