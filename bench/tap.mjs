// SPDX-License-Identifier: GPL-3.0-or-later
// From a tap on a song in the player to its first sound, in Chromium on loopback against a real server: cold (nobody ever
// played it), then warm (encoded; another browser, which has nothing of it).  Peer, in the same run: a bare <audio> of the
// same page on the same songs' own files.
//
// With --edge at an edge that joined that server, each row an album of its own: *held* by the edge; *from the origin*, encoded there;
// *cold*, encoded nowhere; *from another edge*, which alone holds it when the origin is killed.
//
// A tap is the click event; sound is when the element's clock leaves 0, looked at each millisecond.  Songs are tapped last to
// first, so that none was fetched ahead as the next one of the queue; each plays for PLAYED_MS.  What the audio device adds
// is not in it.  The bar is that of the first segment: a cold song sounds within 300 ms (median), what is encoded within 265 from an edge.
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
const EDGE_MS = 265;
const LISTENER = ['Clara', 'four brass pedals hold'];
const WESNOTH = '/usr/share/games/wesnoth/1.16/data/core/music/vengeful.ogg';
const CODECS = [['flac', 'flac'], ['mp3', 'libmp3lame', '-b:a', '192k'], ['m4a', 'aac', '-b:a', '192k'], ['opus', 'libopus', '-b:a', '128k']];

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** One album: pieces of a song (or noise) in the usual forms, at several seconds of it. */
function makeAlbum(folder, album) {
  const hasSong = existsSync(WESNOTH);
  mkdirSync(folder, { recursive: true });
  for (let i = 0; i < SONGS; i++) {
    const [suffix, codec, ...rate] = CODECS[i % CODECS.length];
    const source = hasSong ? ['-ss', String(i * 7 + album.length / 10), '-i', WESNOTH] : ['-f', 'lavfi', '-i', `anoisesrc=c=pink:r=44100:a=0.3:seed=${i}`];
    const tags = { title: `Tap ${i + 1}`, album, artist: 'Nobody', track: i + 1 };
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

async function signedIn(browser, base, album) {
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 1600 } })).newPage();
  await page.addInitScript(watchTaps);
  await page.goto(base);
  await page.getByLabel('Name', { exact: true }).fill(LISTENER[0]);
  await page.getByLabel('Password', { exact: true }).fill(LISTENER[1]);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('link', { name: 'Albums', exact: true }).first().click();
  await page.locator('.card-title', { hasText: album }).first().click();
  await page.locator('.song').nth(SONGS - 1).waitFor();
  return page;
}

/** Milliseconds of each song. */
async function tapAll(browser, base, album) {
  const page = await signedIn(browser, base, album);
  const taken = [];
  for (let i = SONGS - 1; i >= 0; i--) {
    await page.evaluate(() => (globalThis.soundedMs.length = 0));
    await page.locator('.song').nth(i).locator('.song-title').click();
    await page.waitForFunction(() => globalThis.soundedMs.length > 0, null, { timeout: 60_000 });
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

const judge = (isGood, words) => {
  console.log(`${isGood ? 'PASS' : 'FAIL'}: ${words}`);
  return isGood;
};

async function tapOrigin(browser, server, session) {
  const cold = await tapAll(browser, server.base, 'Taps');
  const warm = await tapAll(browser, server.base, 'Taps');
  const filesMs = report('the file, bare <audio>', await tapFiles(browser, server, session));
  report('warm', warm, filesMs);
  const coldMs = report('cold', cold, filesMs);
  return judge(coldMs <= COLD_MS, `a cold song sounds within ${COLD_MS} ms (p50)`);
}

/** An edge that joined, and holds what it follows; nothing is placed ahead, or every row would be the first. */
async function joined(server, name) {
  const token = server.command('invite', name).trim();
  const edge = await Server.made(['edge', server.base, '--token', token, '--edge-place-kib-s', '0']);
  for (const until = Date.now() + 30_000; ; await wait(100)) {
    const status = await (await fetch(`${edge.base}/status`)).json();
    if (status.link === 'linked' && status.waiting === 0 && status.accounts > 0 && 'age' in status) return edge;
    if (Date.now() > until) throw new Error(`${name} does not follow: ${JSON.stringify(status)}`);
  }
}

async function tapEdge(browser, server, near, far) {
  // Played once: encoded, and held where it was played.
  await tapAll(browser, near.base, 'Held');
  await tapAll(browser, server.base, 'Origin');
  await tapAll(browser, far.base, 'Peer');
  const rows = [['held by the edge', await tapAll(browser, near.base, 'Held'), EDGE_MS],
                ['encoded at the origin', await tapAll(browser, near.base, 'Origin'), EDGE_MS],
                ['cold: encoded nowhere', await tapAll(browser, near.base, 'Cold'), COLD_MS]];
  await server.down();
  rows.push(['another edge, origin dead', await tapAll(browser, near.base, 'Peer'), EDGE_MS]);
  const medians = rows.map(([name, taken]) => report(name, taken));
  return rows.map(([name, , barMs], i) => judge(medians[i] < barMs, `${name}: within ${barMs} ms (p50)`)).every(Boolean);
}

const isEdge = process.argv.includes('--edge');
const music = mkdtempSync(join(tmpdir(), 'sostenuto-taps-'));
for (const album of isEdge ? ['Held', 'Origin', 'Cold', 'Peer'] : ['Taps']) makeAlbum(join(music, album), album);
const server = await Server.start(music);
const edges = [];
const browser = await launch();
try {
  const session = await server.signedIn(...LISTENER);
  await wait(3000); // the scan
  if (isEdge) for (const name of ['near', 'far']) edges.push(await joined(server, name));
  console.log(`tap to sound, Chromium on loopback, ${SONGS} songs of ${SONG_S} s (FLAC, MP3, AAC, Opus), ${isEdge ? 'at an edge, ' : ''}load ${loadavg()[0].toFixed(1)}`);
  const isGood = isEdge ? await tapEdge(browser, server, ...edges) : await tapOrigin(browser, server, session);
  process.exitCode = isGood ? 0 : 1;
} finally {
  await browser.close();
  for (const node of [...edges, server]) await node.end();
  rmSync(music, { recursive: true });
}
