// SPDX-License-Identifier: GPL-3.0-or-later
// listener: somebody who listens on a line of a given width, in virtual time, with the decisions that audio/filler takes,
// one segment after the other.  `isModest` asks for nothing but the smallest rendition: no other choice holds more music.
import { BETTER_FROM_S, choose, COMFORT_S, HOLD_SPARING_S, shouldAbandon, Throughput } from '../../src/model/adapt';

export const LADDER = [66_000, 131_000, 252_000, 900_000].map((bandwidth) => ({ bandwidth }));
const SEGMENT_S = 4;
const ROUND_TRIP_S = 0.08;
const TURN_S = 0.05;

export interface Life {
  stalledS: number;
  heard: number[]; // rung by the second of the music's clock
  abandoned: number;
  wallS: number;
  wallOf: number[]; // when each second of music was heard
}

/** `kbps(t)`: the line at a moment.  Listens to so many seconds of music, and counts what stalls before their end. */
export function listen(kbps: (t: number) => number, seconds: number, isModest = false, mostAheadS = HOLD_SPARING_S): Life {
  const throughput = new Throughput();
  const held: number[] = []; // rung of each segment
  const life: Life = { stalledS: 0, heard: [], abandoned: 0, wallS: 0, wallOf: [] };
  let t = 0;
  let at = 0; // of the music
  let isBegun = false;
  let measuredAt = 0;
  const aheadS = (): number => {
    let n = Math.floor(at / SEGMENT_S);
    while (held[n] !== undefined) n += 1;
    return Math.max(n * SEGMENT_S - at, 0);
  };
  const pass = (): void => {
    t += TURN_S;
    const rung = held[Math.floor(at / SEGMENT_S)];
    isBegun ||= rung !== undefined;
    if (rung === undefined) {
      if (isBegun && at < seconds) life.stalledS += TURN_S;
      return;
    }
    if (life.heard.length <= Math.floor(at)) {
      life.heard.push(rung);
      life.wallOf.push(t);
    }
    at += TURN_S;
  };
  const fetch = (n: number, rung: number): void => {
    const total = (LADDER[rung]?.bandwidth ?? 0) * SEGMENT_S / 8;
    let received = 0;
    let tookS = 0;
    const recent: number[] = []; // over the last second
    let sum = 0;
    while (received < total) {
      pass();
      tookS += TURN_S;
      const came = tookS < ROUND_TRIP_S ? 0 : (kbps(t) * 1000 * TURN_S) / 8;
      received += came;
      recent.push(came);
      sum += came - (recent.length > 1 / TURN_S ? (recent.shift() ?? 0) : 0);
      const recentBps = (Math.max(sum, 0) * 8) / (recent.length * TURN_S);
      const progress = { received, total, tookS, recentBps };
      if (rung === 0 || came === 0) continue;
      if (!shouldAbandon(progress, (LADDER[0]?.bandwidth ?? 0) * SEGMENT_S / 8, { aheadS: aheadS(), segmentS: SEGMENT_S })) continue;
      throughput.collapse(recentBps);
      measuredAt = t;
      life.abandoned += 1;
      return;
    }
    measuredAt = t;
    throughput.add(total, tookS, SEGMENT_S);
    held[n] = Math.max(held[n] ?? 0, rung);
  };
  while (at < seconds && t < seconds * 4) {
    const state = { aheadS: aheadS(), segmentS: SEGMENT_S };
    const next = Math.floor((at + aheadS()) / SEGMENT_S + 1e-6);
    if (isModest) {
      if (state.aheadS < mostAheadS) fetch(next, 0);
      else pass();
      continue;
    }
    const bold = choose(LADDER, throughput.bpsAfter(t - measuredAt), state);
    const first = Math.ceil((at + BETTER_FROM_S) / SEGMENT_S);
    const lesser = held.findIndex((rung, n) => n >= first && n < next && rung < bold);
    if (state.aheadS >= COMFORT_S && lesser >= 0) fetch(lesser, bold);
    else if (state.aheadS < mostAheadS) fetch(next, choose(LADDER, throughput.bps, state));
    else pass();
  }
  return { ...life, wallS: t };
}
