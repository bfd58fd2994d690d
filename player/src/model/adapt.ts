// SPDX-License-Identifier: GPL-3.0-or-later
// adapt: how good the next segment may be.  Pure: time enters as numbers.
//
// The line is measured by every segment that came, weighted by the music it holds and not by the time it took, so that a
// line that recovers is believed after few segments.  Two averages are kept, a quick and a slow one, and the lower one
// counts: down at once, up with care.  What is held ahead is the guard: with little of it only what comes quickly is asked for,
// so that a line that falls under a segment leaves time to leave it for the smallest.

export interface Rung {
  bandwidth: number; // bit/s
}

export interface Held {
  aheadS: number; // seconds of music held ahead of the listener
  segmentS: number;
}

const QUICK_S = 4; // half-lives, in seconds of music
const SLOW_S = 12;
/** Before the first measurement: enough for the middle of the ladder, little enough for a telephone. */
export const GUESS_BPS = 400_000;
const DOUBT_S = 5;
/** The share of the measured line that is used: with nothing held, and with enough of it. */
const SHARE_EMPTY = 0.4;
const SHARE_FULL = 0.8;
const FULL_S = 20;
const LOW_S = 8;
/** A segment may take this share of what is held ahead, or, with nothing held, of itself. */
const HASTE = 1 / 5;
const HASTE_EMPTY = 1 / 8;
/** What ends so close to the last moment is late. */
const MARGIN_S = 2;
/** Held ahead in all, and on a line that is paid by the byte. */
export const HOLD_S = 180;
export const HOLD_SPARING_S = 45;
/** With this much held, what is held ahead is fetched again when it can be better, from BETTER_FROM_S on. */
export const COMFORT_S = 14;
export const BETTER_FROM_S = 7;

export class Throughput {
  private quick = 0;
  private slow = 0;
  private weight = 0;

  private startBps = GUESS_BPS;

  /** What this device measured last time: believed until the first segment came. */
  expect(bps: number): void {
    if (bps > 0) this.startBps = bps;
  }

  /** These bytes, holding so much music, took so long. */
  add(bytes: number, tookS: number, musicS: number): void {
    if (bytes <= 0 || musicS <= 0) return;
    const bps = (bytes * 8) / Math.max(tookS, 0.001);
    const keep = (halfLife: number): number => 0.5 ** (musicS / halfLife);
    this.quick = this.quick * keep(QUICK_S) + bps * (1 - keep(QUICK_S));
    this.slow = this.slow * keep(SLOW_S) + bps * (1 - keep(SLOW_S));
    this.weight += musicS;
  }

  /** The line broke down to this while something was under way: at once, whatever it was before. */
  collapse(bps: number): void {
    this.weight = Math.max(this.weight, QUICK_S);
    this.quick = Math.min(this.quick, bps * (1 - 0.5 ** (this.weight / QUICK_S))) || bps * (1 - 0.5 ** (this.weight / QUICK_S));
  }

  /** bit/s to count on. */
  get bps(): number {
    if (this.weight === 0) return this.startBps;
    const grown = (value: number, halfLife: number): number => value / (1 - 0.5 ** (this.weight / halfLife));
    return Math.min(grown(this.quick, QUICK_S), grown(this.slow, SLOW_S));
  }

  /** After so long without a measurement: an idle line is worth another try, ever bolder. */
  bpsAfter(idleS: number): number {
    return this.bps * 2 ** Math.min(idleS / DOUBT_S, 4);
  }
}

/** Index of the rung for the next segment; the rungs ascend by bandwidth and there is at least one. */
export function choose(rungs: readonly Rung[], bps: number, { aheadS, segmentS }: Held): number {
  const usable = bps * (SHARE_EMPTY + (SHARE_FULL - SHARE_EMPTY) * Math.min(aheadS / FULL_S, 1));
  const fits = ({ bandwidth }: Rung): boolean => {
    const takesS = (bandwidth * segmentS) / Math.max(bps, 1);
    return bandwidth <= usable && takesS <= Math.max(aheadS * HASTE, segmentS * HASTE_EMPTY);
  };
  for (let i = rungs.length - 1; i > 0; i--) if (fits(rungs[i] as Rung)) return i;
  return 0;
}

export interface Progress {
  received: number;
  total: number; // bytes
  tookS: number;
  recentBps: number; // over the last second or so
}

/** Whether to leave a segment under way because a smaller one (`otherBytes`) would be here in half the time, or in time at all. */
export function shouldAbandon({ received, total, tookS, recentBps }: Progress, otherBytes: number, held: Held): boolean {
  if (tookS < 0.5 || received >= total) return false;
  const bps = Math.max(recentBps, 1000);
  const leftS = ((total - received) * 8) / bps;
  const isLate = leftS > Math.min(held.segmentS, Math.max(held.aheadS - LOW_S / 2, 1));
  const otherS = (otherBytes * 8) / bps;
  return isLate && (otherS < leftS / 2 || (leftS > held.aheadS - MARGIN_S && otherS < leftS * 0.9));
}
