// SPDX-License-Identifier: GPL-3.0-or-later
// The choice of quality, in virtual time: a listener on lines that change, drawn from traces (traces.json, made by
// traces.mjs in the likeness of telephones on the move), or from recorded ones: TRACES=FILE, JSON, kbit/s by the second.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { BETTER_FROM_S, choose, COMFORT_S, shouldAbandon, Throughput } from '../../src/model/adapt';

const LADDER = [66_000, 131_000, 252_000, 900_000].map((bandwidth) => ({ bandwidth }));
const SEGMENT_S = 4;
const MOST_AHEAD_S = 30;
const ROUND_TRIP_S = 0.08;
const TURN_S = 0.05;

interface Life {
  stalledS: number;
  heard: number[]; // rung by the second of the music's clock
  abandoned: number;
  wallS: number;
  wallOf: number[]; // when each second of music was heard
}

/** `kbps(t)`: the line at a moment.  The same decisions as audio/filler takes, one segment after the other. */
function listen(kbps: (t: number) => number, seconds: number): Life {
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
      if (isBegun) life.stalledS += TURN_S;
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
    const recent: number[] = [];
    while (received < total) {
      pass();
      tookS += TURN_S;
      const came = tookS < ROUND_TRIP_S ? 0 : (kbps(t) * 1000 * TURN_S) / 8;
      received += came;
      recent.push(came);
      if (recent.length > 1 / TURN_S) recent.shift();
      const recentBps = (recent.reduce((sum, one) => sum + one, 0) * 8) / (recent.length * TURN_S);
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
    const bold = choose(LADDER, throughput.bpsAfter(t - measuredAt), state);
    const first = Math.ceil((at + BETTER_FROM_S) / SEGMENT_S);
    const lesser = held.findIndex((rung, n) => n >= first && n < next && rung < bold);
    if (state.aheadS >= COMFORT_S && lesser >= 0) fetch(lesser, bold);
    else if (state.aheadS < MOST_AHEAD_S) fetch(next, choose(LADDER, throughput.bps, state));
    else pass();
  }
  return { ...life, wallS: t };
}

test('a line that falls from 2 Mbit/s to 96 kbit/s and recovers never stalls, and is good again within 20 s', () => {
  for (const [fellAt, roseAt] of [[15, 60], [40, 200], [33.3, 95.1]] as const) {
    const life = listen((t) => (t < fellAt || t >= roseAt ? 2000 : 96), 300);
    assert.equal(life.stalledS, 0, `stalled ${life.stalledS} s`);
    assert.ok(life.heard.slice(12, 20).includes(3), 'the best at first');
    const low = life.wallOf.findIndex((wall, i) => wall > fellAt + 32 && life.heard[i] === 0);
    assert.ok(low >= 0 || roseAt - fellAt < 50, 'the smallest on the small line');
    const back = life.wallOf.findIndex((wall, i) => wall >= roseAt && life.heard[i] === 3);
    assert.ok((life.wallOf[back] ?? Infinity) - roseAt <= 20, `back after ${(life.wallOf[back] ?? Infinity) - roseAt} s`);
  }
});

test('on every line of a telephone on the move the music goes on', () => {
  const traces = JSON.parse(readFileSync(process.env.TRACES ?? join(process.cwd(), 'test/fixture/traces.json'), 'utf8')) as Record<string, number[]>;
  for (const [name, trace] of Object.entries(traces)) {
    for (let shift = 0; shift < trace.length; shift += 7) {
      const width = (t: number): number => trace[(t + shift) % trace.length] ?? 0;
      if ([0, 1, 2, 3, 4, 5, 6, 7].some((t) => width(t) < 100)) continue; // begun in a tunnel: nobody has anything to play
      const life = listen((t) => width(Math.floor(t)), 280);
      assert.equal(life.stalledS, 0, `${name} from ${shift}: stalled ${life.stalledS.toFixed(1)} s`);
    }
  }
});

test('a steady line gets what it carries, and stays there', () => {
  for (const [kbps, rung] of [[80, 0], [200, 1], [400, 2], [1400, 3], [20_000, 3]] as const) {
    const life = listen(() => kbps, 200);
    assert.equal(life.stalledS, 0, `${kbps} kbit/s`);
    const late = life.heard.slice(60);
    assert.ok(late.every((one) => one <= rung + 1), `${kbps} kbit/s: ${late.join('')}`);
    assert.ok(late.filter((one) => one === rung).length > late.length * 0.8, `${kbps} kbit/s: ${late.join('')}`);
  }
});

test('what takes too long is left only when something smaller would be here much sooner', () => {
  const held = { aheadS: 20, segmentS: 4 };
  const at = (recentBps: number, received: number) => shouldAbandon({ received, total: 500_000, tookS: 2, recentBps }, 33_000, held);
  assert.equal(at(96_000, 100_000), true);
  assert.equal(at(96_000, 470_000), false, 'nearly here');
  assert.equal(at(1_500_000, 100_000), false, 'quick enough');
});
