// SPDX-License-Identifier: GPL-3.0-or-later
// The engine on segments, in Chromium: gapless to the sample, and wrong bytes never heard.  All is made before anything plays,
// and two pages play side by side.  A flaw counts when fresh pages have it again (steadily).
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Line } from '../fixture/line.mjs';
import { CUTS, makeParts, RATE, recording, wav } from '../fixture/music.mjs';
import { digest, packaged, Signer } from '../fixture/segments.mjs';
import { done, launch, steadily } from '../harness.mjs';
import { heard, open, play } from './listening.mjs';
import { Shelf } from './shelf.mjs';
import { flaws, toneFile } from './tone.mjs';

const scratch = mkdtempSync(join(tmpdir(), 'sostenuto-segments-'));
const shelf = await Shelf.open();
const pcm = recording();
const wavs = makeParts(scratch);
const parts = wavs.map((_, i) => `tr-part-${i + 1}`);
wavs.forEach((one, i) => shelf.publish(parts[i], one, { rate: RATE, samples: CUTS[i + 1] - CUTS[i], names: ['flac'] }));

/** How many samples are not those of the 16-bit source; Chromium maps positive ones by 32767. */
function differing(samples, pcm, channel, from = 0) {
  let count = 0;
  let first = -1;
  const total = pcm.length / 2 - from;
  for (let i = 0; i < total; i++) {
    const source = pcm[(i + from) * 2 + channel];
    if (Math.abs((samples[i] ?? 0) * 32768 - source) < 1.1) continue;
    if (first < 0) first = i;
    count += 1;
  }
  return { count, first, total };
}


async function gapless(ok) {
  const page = await open(browser, shelf.line);
  const told = await play(page, parts, RATE, 0, 40_000);
  const found = differing((await heard(page)).samples, pcm, 0);
  ok(found.count === 0, `${parts.length} FLAC tracks through the media source are the recording, sample for sample (${found.total})`, found);
  ok(told.filter(({ what }) => what.startsWith('now')).map(({ what }) => what.slice(4)).join() === parts.slice(1).map((_, i) => i + 1).join(), 'each track is announced in its turn', told);
  ok(told.every(({ what }) => what !== 'stall'), 'and nothing stalls', told);
  await page.close();
}

/** The same file with one byte of its sound changed. */
const spoilt = (bytes) => {
  const copy = Buffer.from(bytes);
  copy[copy.length - 100] ^= 0x10;
  return copy;
};

const TONE_S = 12;
const tonePackage = packaged('tr-tone', toneFile(scratch, TONE_S), { rate: RATE, samples: TONE_S * RATE, names: ['aac-256', 'flac'] });
const toneAs = (track) => ({ manifest: { ...tonePackage.manifest, track }, files: tonePackage.files });
const heardNames = (page) => page.evaluate(() => globalThis.stage.rungs().map(({ name }) => name.split('.')[0]));
shelf.put('tr-once', toneAs('tr-once'));
shelf.put('tr-never', toneAs('tr-never'));

/** What a fresh page played of a track, and where that is flawed. */
async function listen(line, track, limitMs, seconds) {
  const page = await open(browser, line);
  const told = await play(page, [track], RATE, 0, limitMs);
  const names = await heardNames(page);
  const { samples, lost } = await heard(page);
  await page.close();
  const gets = told.map(({ what }) => what).filter((what) => what.startsWith('get flac'));
  const twice = gets.filter((what, i) => gets.indexOf(what) < i); // asked for again
  const isWhole = samples.length >= seconds * RATE; // or it began too late
  return { told, names, twice, found: flaws(samples, seconds).slice(0, 4), isWhole, lost, count: samples.length };
}

const spoiltLine = (isWrong) => {
  const seen = new Map();
  return Line.open((path) => {
    const count = (seen.get(path) ?? 0) + 1;
    seen.set(path, count);
    return isWrong(path, count) ? spoilt(shelf.files[path]) : shelf.files[path];
  });
};

async function wrongOnce(ok) {
  const line = await spoiltLine((path, count) => /flac.*\/1\.m4s$/.test(path) && count === 1);
  const once = await listen(line, 'tr-once', 10_500, 8.5);
  ok(once.names.includes('flac') && once.twice.includes('get flac 1') && once.isWhole && once.found.length === 0, 'a segment with a wrong digest is fetched again, and the music goes on', once);
  await line.close();
}

/** Every FLAC segment but the first: which of them is asked for depends on how quickly the others came. */
async function wrongAlways(ok) {
  const line = await spoiltLine((path) => /flac.*\/[1-9]\d*\.m4s$/.test(path));
  const never = await listen(line, 'tr-never', 20_000, 11.5);
  ok(never.names.at(-1) === 'aac-256' && never.twice.length > 0 && never.isWhole && never.found.length === 0, 'wrong again, another rendition takes over without a flaw', never);
  ok(never.told.every(({ what }) => !/stall|failed/.test(what)), 'and nobody notices', never.told);
  await line.close();
}

/** Segments that verify and cannot be decoded: the encoder's fault, not the line's. */
function noise() {
  const { manifest, files } = structuredClone(tonePackage);
  const flac = manifest.renditions.find(({ name }) => name === 'flac');
  for (const [name, found] of Object.entries(files)) {
    const bytes = (files[name] = Buffer.from(found));
    const n = /^flac.*\/(\d+)\.m4s$/.exec(name)?.[1];
    if (!n) continue;
    bytes.fill(0x5a, bytes.indexOf('mdat') + 4);
    Object.assign(flac.segments[n], digest(bytes));
  }
  return { manifest: { ...manifest, track: 'tr-noise' }, files };
}
shelf.put('tr-noise', noise());

async function undecodable(ok) {
  const page = await open(browser, shelf.line);
  const told = await play(page, ['tr-noise'], RATE, 0, 20_000);
  const names = await heardNames(page);
  ok(names.at(-1) === 'aac-256' && told.every(({ what }) => !what.startsWith('failed')), 'what cannot be decoded gives way to another rendition', { told, names });
  await page.close();
}

/** 192 kHz: half a minute of it is more than Chromium's buffer takes. */
const LARGE_S = 40;
const large = join(scratch, 'large.wav');
execFileSync('ffmpeg', ['-loglevel', 'error', '-f', 'lavfi', '-i', `anoisesrc=r=192000:d=${LARGE_S}:a=0.5`, '-ac', '2', '-c:a', 'pcm_s16le', large]);
shelf.publish('tr-large', large, { rate: 192_000, samples: LARGE_S * 192_000, names: ['flac'] });

async function tooMuch(ok) {
  const page = await open(browser, shelf.line);
  const told = await play(page, ['tr-large'], RATE, 0, 26_000);
  const at = await page.evaluate(() => globalThis.stage.engine.positionS.value);
  ok(at > 19 && told.every(({ what }) => !/stall|failed/.test(what)), `a buffer that is full is waited for (${at.toFixed(1)} s played)`, told.filter(({ what }) => !what.startsWith('get')));
  await page.close();
}

shelf.put('tr-forged', packaged('tr-forged', wavs[1], { rate: RATE, samples: CUTS[2] - CUTS[1], names: ['flac'] }), new Signer());
shelf.files['/m/tr-forged/original'] = { bytes: readFileSync(wavs[1]), type: 'audio/wav' };

async function forged(ok) {
  const page = await open(browser, shelf.line);
  const told = await play(page, ['tr-forged'], RATE, 0, 8000);
  ok(told.every(({ what }) => !what.startsWith('get')), 'a manifest that a stranger signed is not used', told);
  ok(differing((await heard(page)).samples.subarray(0, 40_000), pcm.subarray(CUTS[1] * 2, CUTS[1] * 2 + 80_000), 0).count === 0, 'and the track plays as the file that it is');
  await page.close();
}

const whole = join(scratch, 'whole.wav');
writeFileSync(whole, wav(pcm));
shelf.publish('tr-whole', whole, { rate: RATE, samples: CUTS.at(-1), names: ['flac'] });

async function seeks(ok) {
  const page = await open(browser, shelf.line);
  await play(page, ['tr-whole'], RATE, 7.3, 2500);
  const { samples } = await heard(page);
  const [first, second] = [1000, 1001].map((i) => Math.round(samples[i] * 32767));
  let at = -1;
  for (let i = Math.round(7 * RATE); i < 7.6 * RATE && at < 0; i++) {
    if (Math.abs(pcm[i * 2] - first) < 2 && Math.abs(pcm[i * 2 + 2] - second) < 2) at = i - 1000;
  }
  const rest = differing(samples.subarray(0, RATE), pcm.subarray(at * 2, (at + RATE) * 2), 0);
  ok(at > 0 && rest.count === 0, `a track begun at 7.3 s begins there (${(at / RATE).toFixed(4)} s), and every sample after it is right`, rest);
  await page.close();
}

const chains = [[gapless, tooMuch, seeks], [wrongOnce, wrongAlways, undecodable, forged]];
const wanted = process.env.SCENE?.split(',');
const browser = await launch();
try {
  await Promise.all(chains.map(async (chain) => {
    for (const scene of chain) if (!wanted || wanted.includes(scene.name)) await steadily(scene);
  }));
} finally {
  await browser.close();
  await shelf.line.close();
  rmSync(scratch, { recursive: true });
}
done();
