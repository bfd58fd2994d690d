// SPDX-License-Identifier: GPL-3.0-or-later
// What the server encodes, through Chromium's own decoders: one recording cut at odd samples is as long as it was, and no seam
// is heard.  A manifest is read from the server and given on with one rendition alone, signed anew, so that the engine takes it.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Line } from '../fixture/line.mjs';
import { recording, wav } from '../fixture/music.mjs';
import { Signer } from '../fixture/segments.mjs';
import { done, launch, ok, steadily } from '../harness.mjs';
import { binary, Server } from '../server.mjs';
import { heard, middle, open, PAGE, play } from './listening.mjs';

const CUTS = [0, 77003, 161117, 250001]; // samples: at no boundary of packets
const RENDITIONS = [['aac-64', 44100], ['aac-128', 44100], ['aac-256', 44100], ['opus-128', 48000]]; // at which the source has its rate
const MOST_DB = 3;
const LISTENER = ['Clara', 'four brass pedals hold'];
const whole = recording(CUTS.at(-1));

/** The pieces, once for each rate, as FLAC. */
function makePieces(music) {
  for (const rate of new Set(RENDITIONS.map(([, one]) => one))) {
    const folder = join(music, `${rate}`);
    mkdirSync(folder, { recursive: true });
    CUTS.slice(1).forEach((end, i) => {
      const piece = join(folder, `${i}.wav`);
      writeFileSync(piece, wav(whole.subarray(CUTS[i] * 2, end * 2), 2, rate));
      execFileSync('flac', ['-s', '--delete-input-file', '-T', `TITLE=${rate} ${i}`, '-T', `ALBUM=${rate}`, piece]);
    });
  }
}

async function tracksOf(server, { accessToken }, rate) {
  const query = new URLSearchParams({ f: 'json', v: '1.16.1', c: 'test', query: '', songCount: 50 });
  for (let tries = 0; tries < 100; tries++) {
    const answer = await fetch(`${server.base}/rest/search3?${query}`, { headers: { authorization: `Bearer ${accessToken}` } });
    const songs = (await answer.json())['subsonic-response'].searchResult3?.song ?? [];
    const ids = CUTS.slice(1).map((_, i) => songs.find(({ title }) => title === `${rate} ${i}`)?.id);
    if (ids.every(Boolean)) return ids;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error('the songs are not there');
}

/** The server, as if it had this rendition alone. */
function only(server, { grant }, name) {
  const signer = new Signer();
  return async (path) => {
    if (path === '/') return PAGE;
    if (path === '/keys') return signer.keys();
    const answer = await fetch(`${server.base}${path}?g=${grant}`);
    if (!answer.ok) return null;
    const bytes = Buffer.from(await answer.arrayBuffer());
    if (!path.endsWith('/manifest')) return bytes;
    const manifest = JSON.parse(bytes.subarray(bytes.indexOf('\n\n') + 2));
    manifest.renditions = manifest.renditions.filter((one) => one.name === name);
    return signer.seal(path, JSON.stringify(manifest));
  };
}

/** How loud the error is around each seam, over the median of all windows of 100 ms. */
function seamErrorsDb(samples, rate) {
  const half = Math.round(rate / 20);
  const error = (from) => {
    let power = 0;
    for (let i = from; i < from + 2 * half; i++) power += (samples[i] - whole[i * 2] / 32768) ** 2;
    return Math.sqrt(power / (2 * half));
  };
  const windows = [];
  for (let at = 0; at + 2 * half <= CUTS.at(-1); at += 2 * half) windows.push(error(at));
  const median = middle(windows);
  return CUTS.slice(1, -1).map((seam) => 20 * Math.log10(error(seam - half) / median));
}

async function listen(browser, server, session, [name, rate], ok) {
  const tracks = await tracksOf(server, session, rate);
  const line = await Line.open(only(server, session, name));
  const page = await open(browser, line);
  try {
    await play(page, tracks, rate, 0, 20_000);
    const { samples, lost } = await heard(page);
    const length = samples.findLastIndex((value) => value !== 0) + 1;
    const errors = seamErrorsDb(samples, rate);
    const first = line.asked.filter((path) => path.includes(`/${name}.`) && path.endsWith('/0.m4s')).length;
    const words = errors.map((one) => one.toFixed(1)).join(' and ');
    ok(first === tracks.length && length === CUTS.at(-1), `${name}: ${CUTS.at(-1)} samples in ${tracks.length} tracks are heard as that many`, { length, lost, first });
    ok(Math.max(...errors) <= MOST_DB, `${name}: around its seams the error is ${words} dB over the median`, { lost });
  } finally {
    await page.close();
    await line.close();
  }
}

if (!binary()) {
  ok(true, 'seams # SKIP no sostenuto is built: script/build makes one');
} else {
  const music = mkdtempSync(join(tmpdir(), 'sostenuto-seams-'));
  makePieces(music);
  const server = await Server.start(music);
  const browser = await launch();
  try {
    const session = await server.signedIn(...LISTENER);
    await Promise.all(RENDITIONS.map((one) => steadily((claim) => listen(browser, server, session, one, claim))));
  } finally {
    await browser.close();
    await server.end();
    rmSync(music, { recursive: true });
  }
}
done();
