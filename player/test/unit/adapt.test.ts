// SPDX-License-Identifier: GPL-3.0-or-later
// The choice of quality, in virtual time: a listener on lines that change, drawn from traces (traces.json, made by
// traces.mjs in the likeness of telephones on the move), or from recorded ones: TRACES=FILE, JSON, kbit/s by the second.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { shouldAbandon } from '../../src/model/adapt';
import { LADDER, listen } from './listener';

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

// A stall is avoidable when the same listener on the same line at the same second, asking for nothing but the smallest
// rendition, does not stall at all.  Where that one stalls too there is no music to be had.
test('on every line of a telephone on the move nothing stalls that the smallest rendition alone would not', () => {
  const traces = JSON.parse(readFileSync(process.env.TRACES ?? join(process.cwd(), 'test/fixture/traces.json'), 'utf8')) as Record<string, number[]>;
  const sum = { listeners: 0, avoidable: [] as string[], unavoidable: 0, stalledS: 0, leastS: 0, bits: 0, seconds: 0 };
  for (const [name, trace] of Object.entries(traces)) {
    for (let shift = 0; shift < trace.length; shift += 7) {
      const width = (t: number): number => trace[(Math.floor(t) + shift) % trace.length] ?? 0;
      if ([0, 1, 2, 3, 4, 5, 6, 7].some((t) => width(t) < 100)) continue; // begun in a tunnel: nobody has anything to play
      const life = listen(width, 280);
      sum.listeners += 1;
      sum.seconds += life.heard.length;
      sum.bits += life.heard.reduce((bits, rung) => bits + (LADDER[rung]?.bandwidth ?? 0), 0);
      const leastS = life.stalledS > 0 ? listen(width, 280, true).stalledS : 0;
      if (life.stalledS > 0 && leastS === 0) sum.avoidable.push(`${name} from ${shift}: ${life.stalledS.toFixed(1)} s`);
      if (leastS === 0) continue;
      sum.unavoidable += 1;
      sum.stalledS += life.stalledS;
      sum.leastS += leastS;
    }
  }
  console.log(`# ${sum.listeners} listeners, stalled ${sum.avoidable.length} avoidably, ${sum.unavoidable} unavoidably (${sum.stalledS.toFixed(0)} s, the smallest alone ${sum.leastS.toFixed(0)} s); ${(sum.bits / sum.seconds / 1000).toFixed(1)} kbit/s in the mean`);
  assert.deepEqual(sum.avoidable, []);
  assert.ok(sum.stalledS <= 1.2 * sum.leastS, 'where a stall cannot be avoided it is hardly longer than it must be');
});

// Each of these, drawn after what recorded lines did, stalled a listener who believed what the line had given a moment ago.
const FALLS: Record<string, readonly (readonly [number, number])[]> = {
  'right after the first segment': [[2, 420], [10, 60], [20, 170], [60, 2000]],
  'under a segment of the second rung': [[9, 530], [18, 45], [40, 440], [30, 1500]],
  'by and by, to less than the smallest': [[3, 500], [3, 300], [4, 90], [4, 64], [5, 58], [6, 45], [8, 110], [40, 900]],
};

test('a line that falls before much is held is left in time', () => {
  for (const [name, steps] of Object.entries(FALLS)) {
    const trace = steps.flatMap(([seconds, kbps]) => Array<number>(seconds).fill(kbps));
    const width = (t: number): number => trace[Math.floor(t) % trace.length] ?? 0;
    assert.equal(listen(width, 280, true).stalledS, 0, `${name}: music is to be had`);
    const { stalledS } = listen(width, 280);
    assert.equal(stalledS, 0, `${name}: stalled ${stalledS.toFixed(1)} s`);
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
