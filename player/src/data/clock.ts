// SPDX-License-Identifier: GPL-3.0-or-later
// clock: a hybrid logical clock, Unix ms << 16 | counter, as operations carry it (docs/formats/operations.md).
// Never goes back, whatever the device's clock does; a server that is ahead of a slow device clock moves it forward.

export interface Stamp {
  ms: number;
  counter: number; // 0..65535
}

export function tick(last: Stamp, nowMs: number): Stamp {
  if (nowMs > last.ms) return { ms: nowMs, counter: 0 };
  if (last.counter < 0xffff) return { ms: last.ms, counter: last.counter + 1 };
  return { ms: last.ms + 1, counter: 0 };
}

/** As decimal digits: beyond 2^53, so never a number of JavaScript's. */
export function stampText(stamp: Stamp): string {
  return String((BigInt(stamp.ms) << 16n) | BigInt(stamp.counter));
}
