// SPDX-License-Identifier: GPL-3.0-or-later
// The engine on a line that breaks down from 2 Mbit/s to 96 kbit/s and comes back: no stall, no click, and the best again soon.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RATE } from '../fixture/music.mjs';
import { packaged } from '../fixture/segments.mjs';
import { done, launch, steadily } from '../harness.mjs';
import { heard, open, play } from './listening.mjs';
import { Shelf } from './shelf.mjs';
import { flaws, flawsOfEncoder, toneFile } from './tone.mjs';

const TONE_S = 100;
const NEAR_S = 0.05; // decoders begin some milliseconds apart
const scratch = mkdtempSync(join(tmpdir(), 'sostenuto-adapt-'));
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

let best;
let own; // what wavers also when it is decoded alone

async function step(ok) {
  const page = await open(browser, line);
  line.kbps = 2000;
  const playing = play(page, [track], RATE, 0, 76_000);
  await wait(14_000);
  line.kbps = 96;
  const fellAt = 14_000;
  await wait(36_000);
  line.kbps = 2000;
  const roseAt = 50_000;
  const told = await playing;
  const gets = told.filter(({ what }) => what.startsWith('get')).map(({ at, what }) => ({ at, name: what.split(' ')[1], n: Number(what.split(' ')[2]) }));
  console.log(`# ${gets.map(({ at, name, n }) => `${(at / 1000).toFixed(1)}:${name}/${n}`).join(' ')}`);
  ok(gets.some(({ at, name }) => at < fellAt && name === best), `on 2 Mbit/s ${best} plays`, gets);
  const low = gets.filter(({ at }) => at > fellAt && at < roseAt);
  const firstLow = low.findIndex(({ name }) => name === 'aac-64');
  ok(firstLow >= 0 && firstLow <= 1, 'when the line falls to 96 kbit/s, at most one more segment is asked for before the smallest', low);
  ok(told.filter(({ what }) => what === 'stall').length === 0, 'nothing stalls', told.filter(({ what }) => what === 'stall'));
  const spans = await page.evaluate(() => globalThis.stage.rungs());
  const back = spans.find(({ at, name }) => at * 1000 > roseAt && name.startsWith(best));
  ok(back && back.at * 1000 - roseAt <= 20_000, `${((back?.at ?? NaN) - roseAt / 1000).toFixed(1)} s after the line is back, ${best} is heard again`, spans.slice(-8));
  const { samples, lost } = await heard(page);
  const lastS = samples.findLastIndex((value) => value !== 0) / RATE - 0.2; // then the test presses pause
  const found = flaws(samples, lastS).filter(({ at }) => !own.some((one) => Math.abs(one.at - at) < NEAR_S));
  ok(lastS > 70 && found.length === 0, 'no dip, no hole and no click at any switch', { lost, found: found.slice(0, 8) });
  await page.close();
}

const browser = await launch();
const shelf = await Shelf.open();
const { line } = shelf;
const track = 'tr-tone';
try {
  const made = packaged(track, toneFile(scratch, TONE_S), { rate: RATE, samples: TONE_S * RATE, names: ['aac-64', 'aac-128', 'aac-256', 'flac'] });
  const manifest = shelf.put(track, made);
  own = flawsOfEncoder(scratch, made);
  best = manifest.renditions.at(-1).name;
  console.log(`# ${manifest.renditions.map(({ name, bandwidth }) => `${name} ${bandwidth}`).join(', ')}`);
  await steadily(step, 3);
} finally {
  await browser.close();
  await shelf.line.close();
  rmSync(scratch, { recursive: true });
}
done();
