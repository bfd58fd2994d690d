// SPDX-License-Identifier: GPL-3.0-or-later
// One listener, an origin and two edges: the edge that they listen at dies in mid-song, the next one asks them to move, the
// one after that hangs, and the song goes on; the play arrives at the origin once.  Then a page that was opened before the
// last edge joined: all that it knew die, and its song goes on there.  An edge that was lost is a reason for another password.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RATE, recording, wav } from '../fixture/music.mjs';
import { done, launch, ok } from '../harness.mjs';
import { binary, Server } from '../server.mjs';
import { hold, isCurrent, joined } from './fleet.mjs';
import { PASSWORD, PATIENCE_MS, Person, until, wait } from './person.mjs';

const SONG_S = 100;
const LINE_BYTES_S = 24_000; // so that the song is still coming when its node dies
const scratch = mkdtempSync(join(tmpdir(), 'sostenuto-nodes-'));

function makeSong() {
  const music = join(scratch, 'music');
  mkdirSync(music);
  const part = join(scratch, 'long.wav');
  writeFileSync(part, wav(recording(SONG_S * RATE)));
  const tags = ['TITLE=Held', 'ALBUM=Long Notes', 'ARTIST=Pedal', 'TRACKNUMBER=1'];
  execFileSync('flac', ['-s', '-f', ...tags.flatMap((tag) => ['-T', tag]), '-o', join(music, '01.flac'), part]);
  return music;
}

async function openAt(browser, { base }) {
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

const clock = (page) => page.evaluate(() => ({ at: globalThis.heard?.currentTime ?? 0, waits: globalThis.waits }));

async function plays(origin, session) {
  const query = new URLSearchParams({ f: 'json', v: '1.16.1', c: 'test', query: 'Held', songCount: '1' });
  const headers = { authorization: `Bearer ${session.accessToken}` };
  const answer = await (await fetch(`${origin.base}/rest/search3?${query}`, { headers })).json();
  return answer['subsonic-response'].searchResult3?.song?.[0]?.playCount ?? 0;
}

async function moves(page, from, how, claim) {
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
const met = (page) => page.evaluate(() => new Promise((resolve) => {
  indexedDB.open('sostenuto').onsuccess = ({ target }) => {
    target.result.transaction('kept').objectStore('kept').get('nodes').onsuccess = (event) => resolve(event.target.result?.length ?? 0);
  };
}));

async function joinsLate(browser, origin, old, session) {
  const page = await openAt(browser, old[0]);
  await until(() => met(page), (count) => count >= 3);
  const oslo = await joined(origin, 'oslo', scratch);
  try {
    ok((await until(() => met(page), (count) => count === 4)) === 4, 'a page hears of a node that joins while it is open');
    await until(() => isCurrent(oslo));
    const tracks = [];
    page.on('request', (request) => tracks.push(.../\/m\/(tr-[^/]+)\//.exec(request.url())?.slice(1) ?? []));
    const person = new Person(page, old[0].base);
    await person.openAlbum('Long Notes');
    await person.button('Play').first().click();
    await until(async () => (await clock(page)).at > 3);
    await hold(oslo, tracks[0], session.grant);
    await moves(page, old[0], () => Promise.all([origin, ...old].map((node) => node.down())), 'every node killed that the page was opened with');
    const text = await until(() => page.locator('.strip').textContent(), (words) => words.includes('oslo · island'));
    ok(text.includes('oslo · island'), 'and it is the one that joined', text);
  } finally {
    await oslo.end();
  }
}

/** An edge that held the hash of their password is lost: they are asked for another one. */
async function isAskedForAnotherPassword(browser, origin) {
  origin.command('edges', 'revoke', 'paris');
  const page = await openAt(browser, origin);
  const asked = () => page.locator('.strip', { hasText: 'may know your password' }).count();
  ok((await until(asked)) === 1, 'who signs in is told that their password may be known');
  await page.locator('.strip').getByRole('button', { name: 'Not now' }).click();
  ok((await until(asked, (count) => count === 0)) === 0, 'once, when they say so');
  await page.reload();
  await until(asked);
  await page.locator('.strip').getByRole('link', { name: 'Choose another' }).click();
  await page.getByLabel('Current password').fill(PASSWORD);
  await page.getByLabel('New password').fill(`${PASSWORD} anew`);
  await page.getByRole('button', { name: 'Change', exact: true }).click();
  ok((await until(asked, (count) => count === 0)) === 0, 'and is led to where it is changed, after which nobody asks');
  await page.reload();
  await page.locator('.top').waitFor();
  ok((await asked()) === 0, 'again');
  await page.close();
}

async function all(browser, origin) {
  const body = JSON.stringify({ code: await origin.code(), name: 'Clara', password: PASSWORD });
  const session = await (await fetch(`${origin.base}/api/v1/setup`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })).json();
  const [paris, rome] = [await joined(origin, 'paris', scratch), await joined(origin, 'rome', scratch)];
  try {
    ok(await until(async () => (await isCurrent(paris)) && (await isCurrent(rome))), 'two edges hold what their origin has');
    const page = await openAt(browser, paris);
    const person = new Person(page, paris.base);
    await until(() => met(page), (count) => count >= 3);
    const strip = () => page.locator('.strip').textContent();
    ok((await until(strip, (text) => text === 'paris · linked')) === 'paris · linked', 'a strip says which node that is, and that nothing is wrong');
    await person.openAlbum('Long Notes');
    await person.button('Play').first().click();
    await until(async () => (await clock(page)).at > 3);
    await moves(page, paris, () => paris.down(), 'an edge killed in mid-song');
    await paris.up();
    await moves(page, rome, () => rome.down('SIGTERM'), 'an edge that ends as planned');
    await rome.up();
    await moves(page, paris, () => paris.child.kill('SIGSTOP'), 'an edge that hangs');
    paris.child.kill('SIGCONT');
    await until(async () => (await clock(page)).at > SONG_S / 2 + 6, Boolean, 60_000);
    ok((await until(() => plays(origin, session))) === 1, 'the play is at the origin, once');
    await page.close();
    await joinsLate(browser, origin, [paris, rome], session);
    await origin.up();
    await isAskedForAnotherPassword(browser, origin);
  } finally {
    await Promise.all([paris.end(), rome.end()]);
  }
}

if (!binary()) console.log('ok 1 - nodes # SKIP needs a built server');
else {
  const origin = await Server.start(makeSong());
  const browser = await launch();
  try {
    await all(browser, origin);
  } finally {
    await browser.close();
    await origin.end();
    rmSync(scratch, { recursive: true });
  }
}
done();
