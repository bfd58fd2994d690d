// SPDX-License-Identifier: GPL-3.0-or-later
// moving: a song that is heard at one node and goes on at another, and whoever watches it.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RATE, recording, wav } from '../fixture/music.mjs';
import { launch, ok } from '../harness.mjs';
import { Server } from '../server.mjs';
import { isCurrent, joined } from './fleet.mjs';
import { PASSWORD, PATIENCE_MS, until, wait } from './person.mjs';

export const SONG_S = 100;
const LINE_BYTES_S = 24_000; // so that the song is still coming when its node dies
export const scratch = mkdtempSync(join(tmpdir(), 'sostenuto-nodes-'));

function makeSong() {
  const music = join(scratch, 'music');
  mkdirSync(music);
  const part = join(scratch, 'long.wav');
  writeFileSync(part, wav(recording(SONG_S * RATE)));
  const tags = ['TITLE=Held', 'ALBUM=Long Notes', 'ARTIST=Pedal', 'TRACKNUMBER=1'];
  execFileSync('flac', ['-s', '-f', ...tags.flatMap((tag) => ['-T', tag]), '-o', join(music, '01.flac'), part]);
  return music;
}

export async function openAt(browser, { base }) {
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  await page.addInitScript(() => {
    globalThis.waits = 0;
    globalThis.heldS = ({ buffered, currentTime }) => {
      for (let i = 0; i < buffered.length; i++) {
        if (buffered.start(i) <= currentTime && currentTime < buffered.end(i)) return buffered.end(i) - currentTime;
      }
      return 0;
    };
    // an element that has music and waits all the same has a machine that stands still
    const waiting = (audio) => !audio.ended && globalThis.heldS(audio) < 0.5 && (globalThis.waits += 1);
    const { play } = HTMLMediaElement.prototype;
    HTMLMediaElement.prototype.play = function (...rest) {
      if (!globalThis.heard) this.addEventListener('playing', () => this.addEventListener('waiting', () => waiting(this)), { once: true });
      globalThis.heard = this;
      return play.apply(this, rest);
    };
  });
  await page.goto(base);
  await page.getByLabel('Name', { exact: true }).fill('Clara');
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.locator('.top').waitFor();
  const network = await page.context().newCDPSession(page);
  await network.send('Network.enable');
  await network.send('Network.emulateNetworkConditions', { offline: false, latency: 20, downloadThroughput: LINE_BYTES_S, uploadThroughput: LINE_BYTES_S });
  return page;
}

/** Which node the segments come from, as they come. */
function follow(page) {
  const seen = [];
  page.on('requestfinished', (request) => /\/m\/.*\.m4s/.test(request.url()) && seen.push(new URL(request.url()).origin));
  return seen;
}

export const clock = (page) => page.evaluate(() => ({ at: globalThis.heard?.currentTime ?? 0, waits: globalThis.waits }));

export async function moves(page, from, how, claim) {
  // nobody's device is empty in mid-song; here it may be, while the nodes share two processors
  await until(() => page.evaluate(() => globalThis.heldS(globalThis.heard)), (seconds) => seconds > 8);
  const seen = follow(page);
  const before = await clock(page);
  await how();
  ok(await until(() => seen.some((origin) => origin !== from.base)), `${claim}: the next pieces come from another node`, seen);
  await wait(3000);
  const { at, waits } = await until(() => clock(page), (now) => now.at > before.at + 3);
  ok(at > before.at + 3 && waits === before.waits, 'and the song goes on without waiting', { before, at, waits });
}

/** How many nodes this page's list has. */
export const met = (page) => page.evaluate(() => new Promise((resolve) => {
  indexedDB.open('sostenuto').onsuccess = ({ target }) => {
    target.result.transaction('kept').objectStore('kept').get('nodes').onsuccess = (event) => resolve(event.target.result?.length ?? 0);
  };
}));

/** An origin with this song, a listener and two edges, which hold what it has; `tell` gets them, and all is ended behind it. */
export async function withFleet(tell) {
  const origin = await Server.start(makeSong());
  const browser = await launch();
  try {
    const body = JSON.stringify({ code: await origin.code(), name: 'Clara', password: PASSWORD });
    const session = await (await fetch(`${origin.base}/api/v1/setup`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })).json();
    const edges = [await joined(origin, 'paris', scratch), await joined(origin, 'rome', scratch)];
    try {
      ok(await until(async () => (await Promise.all(edges.map((edge) => isCurrent(edge)))).every(Boolean)), 'two edges hold what their origin has');
      await tell(browser, origin, edges, session);
    } finally {
      await Promise.all(edges.map((edge) => edge.end()));
    }
  } finally {
    await browser.close();
    await origin.end();
    rmSync(scratch, { recursive: true });
  }
}
