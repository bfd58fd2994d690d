// SPDX-License-Identifier: GPL-3.0-or-later
import assert from 'node:assert/strict';
import test from 'node:test';
import { gainFactor } from '../../src/model/gain';
import { HeardMeter } from '../../src/model/heard';
import { choose, lineAt, verses } from '../../src/model/lyrics';
import { between, following, LONGEST } from '../../src/model/position';
import { clock, lonely, quality, span } from '../../src/model/words';

function listen(meter: HeardMeter, from: number, to: number): boolean {
  let isPlay = false;
  for (let at = from; at <= to; at += 0.25) isPlay = meter.at(at) || isPlay;
  return isPlay;
}

test('half of a song is a play, once', () => {
  const meter = new HeardMeter(200);
  assert.equal(listen(meter, 0, 99), false);
  assert.equal(listen(meter, 99, 101), true);
  assert.equal(listen(meter, 101, 200), false);
});

test('four minutes of a long song are a play', () => {
  const meter = new HeardMeter(3600);
  assert.equal(listen(meter, 0, 239), false);
  assert.equal(listen(meter, 239, 241), true);
});

test('a seek is not listening', () => {
  const meter = new HeardMeter(200);
  listen(meter, 0, 10);
  assert.equal(meter.at(190), false);
  meter.jump();
  assert.equal(listen(meter, 50, 60), false);
  assert.equal(Math.round(meter.heardMs / 1000), 20);
});

test('hearing the first half twice is a play: what counts is time heard', () => {
  const meter = new HeardMeter(100);
  listen(meter, 0, 30);
  meter.jump();
  assert.equal(listen(meter, 0, 30), true);
});

test('gain follows the tags, and the peak bounds it', () => {
  const tags = { trackGain: -6.02, trackPeak: 1, albumGain: 6.02, albumPeak: 0.8 };
  assert.ok(Math.abs(gainFactor(tags, 'track') - 0.5) < 0.001);
  assert.equal(gainFactor(tags, 'album'), 1 / 0.8);
  assert.equal(gainFactor(tags, 'off'), 1);
  assert.equal(gainFactor(undefined, 'album'), 1);
  assert.equal(gainFactor({ trackGain: 9 }, 'track'), 1, 'without a peak nothing is made louder');
  assert.equal(gainFactor({ trackGain: NaN, trackPeak: 1 }, 'track'), 1);
  assert.ok(gainFactor({ trackGain: 60, trackPeak: 0.001 }, 'track') < 4, 'a mad tag is bounded');
});

test('the sung line is the last that has begun', () => {
  const lines = verses({ synced: true, line: [{ start: 1000, value: 'a' }, { start: 3000, value: 'b' }] });
  assert.deepEqual([0, 999, 1000, 2999, 3000, 99999].map((ms) => lineAt(lines, ms)), [-1, -1, 0, 0, 1, 1]);
  assert.equal(lineAt([], 5), -1);
});

test('a positive offset of lyrics means earlier, and disorder is put right', () => {
  const lines = verses({ synced: true, offset: 500, line: [{ start: 3000, value: 'b' }, { start: 1000, value: 'a' }] });
  assert.deepEqual(lines.map((line) => [line.startMs, line.text]), [[500, 'a'], [2500, 'b']]);
});

test('synced lyrics are preferred to plain ones, empty ones are none', () => {
  const plain = { synced: false, line: [{ value: 'x' }] };
  const synced = { synced: true, line: [{ start: 0, value: 'y' }] };
  assert.equal(choose([plain, synced]), synced);
  assert.equal(choose([{ synced: true, line: [] }, plain]), plain);
  assert.equal(choose([]), null);
});

test('there is always a place between two places, and it sorts by byte', () => {
  let seed = 7;
  const random = (n: number): number => (seed = (seed * 48271) % 2147483647) % n;
  const places = following('', 5);
  for (let i = 0; i < 3000; i++) {
    const at = random(places.length + 1);
    const low = places[at - 1] ?? '';
    const high = places[at] ?? '';
    const fresh = between(low, high);
    assert.ok(fresh > low && (high === '' || fresh < high), `${low} < ${fresh} < ${high}`);
    assert.match(fresh, /^[0-9A-Za-z]*[1-9A-Za-z]$/);
    places.splice(at, 0, fresh);
  }
});

test('the worst place to insert grows the text slowly', () => {
  let high = '';
  for (let i = 0; i < 300; i++) high = between('', high);
  assert.ok(high.length <= LONGEST, high);
});

test('a list that grows at its end keeps short places, in order', () => {
  let last = '';
  const places: string[] = [];
  for (let i = 0; i < 2000; i++) places.push((last = following(last, 1)[0] as string));
  assert.deepEqual(places, [...places].sort());
  assert.equal(new Set(places).size, 2000);
  assert.ok(Math.max(...places.map((place) => place.length)) <= 5);
  assert.ok((following('zzzzzzzz', 1)[0] as string) > 'zzzzzzzz', 'and there is room behind the last step');
});

test('times read as people write them', () => {
  assert.deepEqual([0, 59.9, 61, 3723, -3].map(clock), ['0:00', '0:59', '1:01', '1:02:03', '0:00']);
  assert.deepEqual([20, 2880, 7500].map(span), ['20 s', '48 min', '2 h 5 min']);
  assert.equal(quality({ suffix: 'flac', bitDepth: 24, samplingRate: 96000, bitRate: 2800 }), 'FLAC 24/96 · 2800 kbit/s');
});

test('a sign-in that lives on a cookie says who renews it, and until when', () => {
  const [until, now] = [Date.UTC(2026, 0, 1, 12, 30), Date.UTC(2026, 0, 1, 12, 20)];
  assert.match(lonely('paris.home:4747', until, now), /^Without HTTPS only paris\.home:4747 can renew your sign-in: it holds until .*30/);
  assert.match(lonely('paris.home:4747', until, until + 1), /it ended at .*30.*; what is queued plays on\.$/);
});
