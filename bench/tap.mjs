// SPDX-License-Identifier: GPL-3.0-or-later
// From a tap on a song in the player to its first sound, in Chromium on loopback against a real server: cold (nobody ever
// played it), then warm (encoded; another browser, which has nothing of it).  Peer, in the same run: a bare <audio> of the
// same page on the same songs' own files.
//
// A tap is the click event; sound is when the element's clock leaves 0, looked at each millisecond.  Songs are tapped last to
// first, so that none was fetched ahead as the next one of the queue; each plays for PLAYED_MS.  What the audio device adds
// is not in it.  The bar is that of the first segment: a cold song sounds within 300 ms (median).
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { launch } from '../player/test/harness.mjs';
import { Server } from '../player/test/server.mjs';

const SONGS = 24;
const SONG_S = 30;
const PLAYED_MS = 1200;
const COLD_MS = 300;
const LISTENER = ['Clara', 'four brass pedals hold'];
const WESNOTH = '/usr/share/games/wesnoth/1.16/data/core/music/vengeful.ogg';
const CODECS = [['flac', 'flac'], ['mp3', 'libmp3lame', '-b:a', '192k'], ['m4a', 'aac', '-b:a', '192k'], ['opus', 'libopus', '-b:a', '128k']];

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** One album: pieces of a song (or noise) in the usual forms, at several seconds of it. */
function makeAlbum(folder) {
  const hasSong = existsSync(WESNOTH);
  mkdirSync(folder, { recursive: true });
  for (let i = 0; i < SONGS; i++) {
    const [suffix, codec, ...rate] = CODECS[i % CODECS.length];
    const source = hasSong ? ['-ss', String(i * 7), '-i', WESNOTH] : ['-f', 'lavfi', '-i', `anoisesrc=c=pink:r=44100:a=0.3:seed=${i}`];
    const tags = { title: `Tap ${i + 1}`, album: 'Taps', artist: 'Nobody', track: i + 1 };
    execFileSync('ffmpeg', ['-v', 'error', ...source, '-t', String(SONG_S), '-ac', '2', '-map_metadata', '-1', '-c:a', codec, ...rate,
                            ...Object.entries(tags).flatMap(([name, value]) => ['-metadata', `${name}=${value}`]), join(folder, `${i + 1}.${suffix}`)]);
  }
}

/** In the page: from each click to the first sound of the element that plays then. */
function watchTaps() {
  let tappedAt = 0;
  globalThis.soundedMs = [];
  const look = (audio) => {
    if (audio.currentTime > 0) globalThis.soundedMs.push(performance.now() - tappedAt);
    else setTimeout(() => look(audio), 1);
  };
  const { play } = HTMLMediaElement.prototype;
  const known = new WeakSet();
  HTMLMediaElement.prototype.play = function () {
    if (!known.has(this)) {
      known.add(this);
      if (this.currentTime === 0) look(this);
      this.addEventListener('emptied', () => this.currentTime === 0 && look(this)); // the next song
    }
    return play.call(this);
  };
  addEventListener('click', () => (tappedAt = performance.now()), { capture: true });
}

async function signedIn(browser, base) {
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 1600 } })).newPage();
  await page.addInitScript(watchTaps);
  await page.goto(base);
  await page.getByLabel('Name', { exact: true }).fill(LISTENER[0]);
  await page.getByLabel('Password', { exact: true }).fill(LISTENER[1]);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('link', { name: 'Albums', exact: true }).first().click();
  await page.locator('.card-title', { hasText: 'Taps' }).first().click();
  await page.locator('.song').nth(SONGS - 1).waitFor();
  return page;
}

/** Milliseconds of each song. */
async function tapAll(browser, base) {
  const page = await signedIn(browser, base);
  const taken = [];
  for (let i = SONGS - 1; i >= 0; i--) {
    await page.evaluate(() => (globalThis.soundedMs.length = 0));
    await page.locator('.song').nth(i).locator('.song-title').click();
    await page.waitForFunction(() => globalThis.soundedMs.length > 0, null, { timeout: 10_000 });
    taken.push(await page.evaluate(() => globalThis.soundedMs[0]));
    await wait(PLAYED_MS);
  }
  await page.context().close();
  return taken;
}

/** A bare element on the songs' own files. */
async function tapFiles(browser, server, { accessToken, grant }) {
  const query = new URLSearchParams({ f: 'json', v: '1.16.1', c: 'bench', query: '', songCount: 100 });
  const answer = await fetch(`${server.base}/rest/search3?${query}`, { headers: { authorization: `Bearer ${accessToken}` } });
  const songs = (await answer.json())['subsonic-response'].searchResult3.song;
  const page = await (await browser.newContext()).newPage();
  await page.goto(server.base);
  const taken = [];
  for (const { id } of songs) {
    taken.push(await page.evaluate(async (address) => {
      const began = performance.now();
      const audio = new Audio(address);
      await audio.play();
      while (audio.currentTime === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      const took = performance.now() - began;
      audio.pause();
      return took;
    }, `/m/${id}/original?g=${grant}`));
    await wait(PLAYED_MS / 4);
  }
  await page.context().close();
  return taken;
}

const at = (sorted, share) => sorted[Math.ceil(sorted.length * share) - 1];
function report(name, taken, peerMs = 0) {
  const sorted = [...taken].sort((a, b) => a - b);
  const [p50, p95] = [at(sorted, 0.5), at(sorted, 0.95)];
  const ratio = peerMs ? `${(p50 / peerMs).toFixed(2)} x the file` : '';
  console.log(`${name.padEnd(28)} ${String(sorted.length).padStart(3)} taps   p50 ${p50.toFixed(0).padStart(4)} ms   p95 ${p95.toFixed(0).padStart(4)} ms   ${ratio}`);
  return p50;
}

const music = mkdtempSync(join(tmpdir(), 'sostenuto-taps-'));
makeAlbum(join(music, 'Taps'));
const server = await Server.start(music);
const browser = await launch();
try {
  const session = await server.signedIn(...LISTENER);
  await wait(3000); // the scan
  console.log(`tap to sound, Chromium on loopback, ${SONGS} songs of ${SONG_S} s (FLAC, MP3, AAC, Opus), load ${loadavg()[0].toFixed(1)}`);
  const cold = await tapAll(browser, server.base);
  const warm = await tapAll(browser, server.base);
  const filesMs = report('the file, bare <audio>', await tapFiles(browser, server, session));
  report('warm', warm, filesMs);
  const coldMs = report('cold', cold, filesMs);
  const isGood = coldMs <= COLD_MS;
  console.log(`${isGood ? 'PASS' : 'FAIL'}: a cold song sounds within ${COLD_MS} ms (p50)`);
  process.exitCode = isGood ? 0 : 1;
} finally {
  await browser.close();
  await server.end();
  rmSync(music, { recursive: true });
}
