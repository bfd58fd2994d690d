// SPDX-License-Identifier: GPL-3.0-or-later
// A person's way through the player, in Chromium, against a real server: set-up to listening, with the server killed on the way.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { makeMusic, musicFolder } from '../fixture/music.mjs';
import { done, launch, ok } from '../harness.mjs';
import { binary, Server } from '../server.mjs';
import { PASSWORD, PATIENCE_MS, Person, setUp, until, wait } from './person.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
async function connectApp(person, server) {
  const { page } = person;
  await person.go('/settings');
  await page.getByLabel('Which app?').fill('Test');
  await person.button('Connect').click();
  const secret = await page.locator('.secret').textContent();
  ok(await page.locator('.qr').count(), 'a secret for another app comes with the address as a QR code');
  const answer = await server.rest('ping', secret);
  ok(answer.status === 'ok', 'and that app signs in with it', answer);
  return secret;
}

async function browse(person) {
  const { page } = person;
  await person.openAlbum('The Cut');
  ok(await until(async () => (await person.heading()) === 'The Cut' && (await page.locator('.song').count()) === 11), 'an album shows its songs in order');
  await person.go('/artists');
  await page.locator('.letter').first().waitFor();
  ok(await until(async () => (await page.locator('.letter').count()) >= 4), 'artists stand under their letters');
  await page.locator('main [data-row]', { hasText: 'Ada Holm' }).click();
  await page.locator('.artist .card').first().waitFor();
  ok((await until(() => page.locator('.artist .card').count(), (count) => count === 4)) === 4, 'an artist shows their albums');
  await person.go('/albums?genre=Jazz');
  const jazz = await until(() => page.locator('.card').count(), (count) => count === 5);
  ok(jazz === 5, 'albums are filtered by genre', jazz);
  await page.locator('#search').click();
  await page.locator('#search').pressSequentially('dvor', { delay: 40 });
  await until(() => page.locator('.card').count());
  ok(await until(() => page.locator('.faces a', { hasText: 'Dvořák' }).count()), 'search finds while one types, accents or not');
}

/** The titles while an album plays to its end, and how long that took. */
async function toTheEnd(person) {
  await person.openAlbum('The Cut');
  await person.button('Play').first().click();
  const seen = [];
  let began = Date.now();
  for (const end = began + 60_000; Date.now() < end; await wait(60)) {
    const title = await person.title();
    if (seen.length === 0) began = Date.now();
    if (title && seen.at(-1) !== title) seen.push(title);
    if (seen.length >= 11 && !(await person.isPlaying())) break;
  }
  return { seen, seconds: (Date.now() - began) / 1000 };
}

/** Who listens asks their node for music, and how it is three times a minute (state/health.ts). */
async function asksSeldom({ page }, listen) {
  const asked = [];
  const note = (request) => new URL(request.url()).pathname === '/status' && asked.push(request);
  const began = Date.now();
  page.on('request', note);
  await listen();
  page.off('request', note);
  const most = 2 + (Date.now() - began) / 20_000;
  ok(asked.length <= most, 'a page asks how its server is three times a minute, not more', { asked: asked.length, most });
}

const PARTS = Array.from({ length: 11 }, (_, i) => `Part ${i + 1}`).join();

/** Eleven short tracks to the end: their order, and that no seam was a silence.  A machine that stands still is asked again. */
async function playsThrough(person, server, secret) {
  const { page } = person;
  for (let times = 1; ; times++) {
    const { seen, seconds } = await toTheEnd(person);
    // after the end the queue stands at its first song again
    const isInOrder = seen.slice(0, 11).join() === PARTS;
    const isOnTime = seconds > 19 && seconds < 26;
    if (!(isInOrder && isOnTime) && times < 3) continue;
    ok(isInOrder, 'an album plays through in order', seen);
    ok(isOnTime, `its 20 seconds take 20 seconds (${seconds.toFixed(1)})`);
    const { albumId } = await page.evaluate(() => ({ albumId: location.pathname.split('/')[2] }));
    const counts = await until(async () => {
      const { album } = await server.rest('getAlbum', secret, { id: albumId });
      return album.song.map((song) => song.playCount ?? 0);
    }, (all) => all.every((count) => count === times));
    ok(counts.every((count) => count === times), 'every track counts as one play on the server', { counts, times });
    return;
  }
}

const playAlbum = (person, ...rest) => asksSeldom(person, () => playsThrough(person, ...rest));

async function everyFormat(person) {
  const { page } = person;
  await person.openAlbum('Every Format');
  const rows = page.locator('.song');
  ok((await rows.count()) >= 6, 'an album of many formats');
  for (let i = 0; i < (await rows.count()); i++) {
    const title = (await rows.nth(i).locator('.song-title').textContent()).replace(/^(Play|Pause) /, '');
    await rows.nth(i).locator('.song-title').click();
    const moves = await until(async () => (await person.title()) === title && (await person.position()) >= 1);
    ok(moves, `${title} sounds${/alac/.test(title) ? ' (by the server, in another form)' : ''}`);
  }
}

/** The plain element, for long tracks and little memory: it waits for a server too. */
async function plainWay(person, server) {
  const { page } = person;
  await person.go('/settings');
  await page.getByRole('combobox', { name: 'Playing' }).selectOption('plain');
  await person.openAlbum('Northern Rooms');
  await person.button('Play').first().click();
  ok((await until(() => person.position(), (at) => at >= 1)) >= 1, 'the plain way sounds too');
  await server.down('SIGKILL');
  await wait(500);
  await person.button('Next').click();
  await wait(1500);
  await server.up();
  const goesOn = await until(async () => (await person.title()).startsWith('Song') && (await person.position()) >= 1);
  ok(goesOn, 'and waits for a server that is away, then goes on by itself');
  await person.go('/settings');
  await page.getByRole('combobox', { name: 'Playing' }).selectOption('gapless');
}

async function queueSurvives(person) {
  const { page } = person;
  await person.openAlbum('Winter Lights');
  await person.button('Play').first().click();
  await until(() => person.position(), (at) => at >= 3);
  const before = { title: await person.title() };
  await page.evaluate(() => addEventListener('pagehide', () => sessionStorage.setItem('left at', document.querySelector('.pedal-track input').value)));
  await page.reload();
  await page.locator('.bar').waitFor();
  before.at = Number(await page.evaluate(() => sessionStorage.getItem('left at')));
  const after = { title: await person.title(), at: await until(() => person.position()) };
  ok(after.title === before.title && Math.abs(after.at - before.at) <= 1, 'a reload keeps the queue, and the place to a second', { before, after });
  await person.go('/queue');
  ok((await until(() => page.locator('.song').count(), (count) => count === 3)) === 3, 'with everything in it');
  await page.keyboard.press('Space');
  ok(await until(async () => (await person.position()) > after.at && (await person.isPlaying())), 'and plays on from there');
}

async function serverDies(person, server, secret) {
  const { page } = person;
  await person.openAlbum('Quiet Rooms');
  person.pieces.clear();
  await person.button('Play').first().click();
  const whole = () => [...person.pieces.values()].filter((pieces) => pieces.size >= 3).length; // 8 s are three segments
  ok((await until(whole, (count) => count >= 2, 60_000)) >= 2, 'while a track plays, the next one comes in segments too');
  await server.down('SIGKILL');
  ok(await until(() => page.locator('.strip p').count(), Boolean, 15_000), 'within seconds a strip says that the server is away');
  await page.locator('.song').nth(1).hover();
  await page.locator('main').getByRole('button', { name: 'Star Song without words 1', exact: true }).click();
  ok((await page.locator('.song-tools .star.on').count()) === 1, 'a star set meanwhile shows at once');
  const went = await until(() => person.title(), (title) => title === 'Song without words 1');
  ok(went === 'Song without words 1' && (await person.isPlaying()), 'the track plays to its end and the next one follows, without the server', went);
  await until(() => person.position(), (at) => at >= 2);
  await server.up();
  ok((await until(() => page.locator('.strip p').count(), (count) => count === 0)) === 0, 'the strip goes by itself when the server is back');
  const starred = await until(async () => (await server.rest('getStarred2', secret)).starred2?.song ?? [], (all) => all.length === 1);
  ok(starred.length === 1 && starred[0].title === 'Song without words 1', 'the star arrives, once', starred.map((song) => song.title));
  const left = await until(() => page.evaluate(() => new Promise((resolve) => {
    const open = indexedDB.open('sostenuto');
    open.onsuccess = () => {
      const count = open.result.transaction('operations').objectStore('operations').count();
      count.onsuccess = () => resolve(count.result);
    };
  })), (count) => count === 0);
  ok(left === 0, 'and nothing is left to be sent', left);
}

/** A track that is not here when the server dies: waited for, not skipped. */
async function neverSkips(person, server) {
  const { page } = person;
  await person.openAlbum('Slow Rooms');
  await server.down('SIGKILL');
  await person.button('Play').first().click();
  await wait(3000);
  const waits = await until(() => page.locator('.play-button.stalled').count());
  ok((await person.title()) === 'Prelude 3' && waits, 'a track that cannot be fetched is waited for, not skipped');
  await server.up();
  ok(await until(async () => (await person.position()) >= 1 && (await person.title()) === 'Prelude 3'), 'and sounds when the server is back, without a reload');
}

/** Of two scripts the first one stands and sounds alone, and the second one is here before the server is gone. */
async function twoScripts(person, server) {
  const { page } = person;
  const first = await page.locator('link[rel=modulepreload]').evaluateAll((links) => links.map((link) => link.href));
  const isLater = ({ pathname, href }) => pathname.startsWith('/part-') && !first.includes(href);
  const helps = async () => {
    await page.keyboard.press('?');
    return page.locator('dialog h2', { hasText: 'Keyboard' }).count();
  };
  await page.route(isLater, (route) => route.abort());
  await person.openAlbum('Winter Lights');
  await page.reload();
  await page.locator('.song').first().waitFor();
  await person.button('Play').first().click();
  ok((await until(() => person.position(), (at) => at >= 1)) >= 1 && !(await helps()), 'a song sounds before the second script is here');
  await page.unroute(isLater);
  ok(await until(helps), 'which is asked for until it comes');
  await page.keyboard.press('Escape');
  await server.down('SIGKILL');
  const opened = [];
  for (const path of ['/albums', '/artists', '/genres', '/playlists', '/search', '/queue', '/now', '/settings']) {
    await person.go(path);
    opened.push(await page.locator('main [aria-label=Loading]').count());
  }
  ok(opened.every((waits) => waits === 0), 'and without the server every view stands at once', opened);
  await server.up();
}

async function playlists(person, server, secret) {
  const { page } = person;
  await person.go('/playlists');
  await person.button('New playlist').click();
  await page.getByLabel('Name', { exact: true }).fill('Evening');
  await person.button('Create').click();
  await page.locator('main h1', { hasText: 'Evening' }).waitFor();
  await person.openAlbum('Amber Rooms');
  await person.button('More for Amber Rooms').click();
  await page.getByRole('menuitem', { name: 'Add to playlist…' }).click();
  await page.locator('.pick button', { hasText: 'Evening' }).click();
  await person.go('/playlists');
  await page.locator('main [data-row]', { hasText: 'Evening' }).click();
  await until(() => page.locator('.song').count(), (count) => count === 3);
  const order = async () => (await page.locator('.song-title').allTextContents()).map((title) => title.replace(/^(Play|Pause) /, '').slice(0, 4)).join();
  ok((await order()) === 'Prel,Song,Coda', 'an album goes into a playlist in its order', await order());
  await page.locator('.grip').nth(2).focus();
  await page.keyboard.press('ArrowUp');
  ok((await until(order, (now) => now === 'Prel,Coda,Song')) === 'Prel,Coda,Song', 'a song moves by keyboard');
  const from = await page.locator('.song').nth(0).boundingBox();
  await page.locator('.song').nth(0).hover();
  const grip = await page.locator('.grip').nth(0).boundingBox();
  await page.mouse.move(grip.x + 10, grip.y + 10);
  await page.mouse.down();
  await page.mouse.move(grip.x + 10, from.y + from.height * 1.6, { steps: 6 });
  await page.mouse.move(grip.x + 10, from.y + from.height * 2.5, { steps: 6 });
  await page.mouse.up();
  ok((await until(order, (now) => now === 'Coda,Song,Prel')) === 'Coda,Song,Prel', 'and by dragging its grip', await order());
  await page.locator('.song').nth(1).hover();
  await page.getByRole('button', { name: /^More for Song/ }).click();
  await page.getByRole('menuitem', { name: 'Remove from playlist' }).click();
  await person.button('More for Evening').click();
  await page.getByRole('menuitem', { name: 'Rename…' }).click();
  await page.getByLabel('Name', { exact: true }).fill('Late evening');
  await person.button('Rename').click();
  const stored = await until(async () => {
    const { playlists: all } = await server.rest('getPlaylists', secret);
    const found = all.playlist?.find((list) => list.name === 'Late evening');
    return found ? (await server.rest('getPlaylist', secret, { id: found.id })).playlist : null;
  }, (list) => list?.entry?.length === 2);
  ok(stored?.entry?.map((song) => song.title.slice(0, 4)).join() === 'Coda,Prel', 'the server has the same list', stored?.entry?.map((song) => song.title));
}

/** From a cold page to a starred song, without a mouse. */
async function keyboardOnly(person) {
  const { page } = person;
  await person.go('/');
  await page.evaluate(() => document.activeElement?.blur());
  await page.keyboard.press('/');
  await until(() => page.evaluate(() => document.activeElement?.id === 'search'));
  await page.keyboard.type('coda 9', { delay: 20 });
  await until(() => page.locator('.song-title', { hasText: 'Coda 9' }).count());
  await page.keyboard.press('Escape');
  for (let i = 0; i < 12; i++) {
    await page.keyboard.press('j');
    if ((await page.evaluate(() => document.activeElement?.textContent ?? '')).endsWith('Coda 9')) break;
  }
  await page.keyboard.press('Enter');
  ok(await until(async () => (await person.title()) === 'Coda 9' && (await person.isPlaying())), 'by keyboard: search, choose a row, play');
  await page.keyboard.press('l');
  ok(await until(() => page.locator('.bar .star.on').count()), 'l stars what plays');
  await page.evaluate(() => document.activeElement?.blur());
  await page.keyboard.press('Space');
  ok((await until(() => person.isPlaying(), (playing) => !playing)) === 0, 'space pauses');
  await page.keyboard.press('?');
  ok(await until(() => page.locator('dialog h2', { hasText: 'Keyboard' }).count()), '? shows the help sheet');
  await page.keyboard.press('Escape');
  ok((await until(() => page.locator('dialog').count(), (count) => count === 0)) === 0, 'escape closes it');
}

async function lyricsFollow(person) {
  const { page } = person;
  await person.openAlbum('Quiet Rooms');
  await person.button('Play').first().click();
  await person.go('/now');
  await page.locator('.lyrics li').first().waitFor();
  const sung = await until(() => page.locator('.lyrics li.sung').textContent().catch(() => ''), (text) => /second/.test(text));
  ok(/second/.test(sung), 'the sung line follows the music', sung);
  await page.locator('.lyrics button', { hasText: 'until the last' }).click();
  ok((await until(() => person.position(), (at) => at >= 6)) >= 6, 'a line is a place to go to');
}

const VIEWS = ['/', '/albums', '/artists', '/genres', '/playlists', '/search?q=a', '/queue', '/now', '/settings', '/nothing'];

async function accessible(person) {
  const { page } = person;
  await page.evaluate(axe);
  const check = async (name, theme) => {
    const look = () => page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }).then((result) =>
      result.violations.map((one) => `${one.id}: ${one.nodes.slice(0, 2).map((node) => node.html.slice(0, 140)).join(' | ')}`)));
    const found = await until(look, (all) => all.length === 0, 4000); // once all stands where it belongs
    ok(found.length === 0, `axe finds nothing at ${name} (${theme})`, found.join('; '));
  };
  await person.openAlbum('Every Format');
  const album = await page.evaluate(() => location.pathname);
  await person.go('/artists');
  await page.locator('main [data-row]').first().click();
  await page.locator('.artist').waitFor();
  const artist = await page.evaluate(() => location.pathname);
  await person.go('/playlists');
  await page.locator('main [data-row]').first().click();
  await page.locator('.song').first().waitFor();
  const playlist = await page.evaluate(() => location.pathname);
  for (const theme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
    for (const path of [...VIEWS, album, artist, playlist]) {
      await person.go(path);
      await wait(350);
      await check(path.replace(/-[\w-]{22}/, ''), theme);
    }
    await page.keyboard.press('?');
    await page.locator('dialog').waitFor();
    await check('the help sheet', theme);
    await page.keyboard.press('Escape');
    await page.locator('dialog').waitFor({ state: 'detached' });
  }
  await page.setViewportSize({ width: 390, height: 844 });
  for (const path of ['/', album, '/now', '/settings']) {
    await person.go(path);
    await wait(300);
    await check(`${path.replace(/-[\w-]{22}/, '')} on a phone`, 'dark');
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    ok(overflow <= 0, `nothing hangs out at ${path.replace(/-[\w-]{22}/, '')} on a phone`, overflow);
  }
}

async function signInAgain(person) {
  const { page } = person;
  await page.setViewportSize({ width: 1280, height: 800 });
  await person.go('/settings');
  await person.button('Sign out').click();
  await page.locator('.gate').waitFor();
  await page.evaluate(axe);
  const found = await page.evaluate(() => globalThis.axe.run().then((result) => result.violations.map((one) => one.id)));
  ok(found.length === 0, 'axe finds nothing at sign-in', found);
  const signIn = async (password) => {
    await page.getByLabel('Name', { exact: true }).fill('Clara');
    await page.getByLabel('Password', { exact: true }).fill(password);
    await person.button('Sign in').click();
  };
  await signIn('wrong');
  ok(await until(() => page.locator('.form-error').textContent()), 'a wrong password is refused in words');
  await until(() => person.button('Sign in').isEnabled());
  await wait(1200);
  await signIn(PASSWORD);
  ok(await until(() => page.locator('.top').count()), 'the right one opens the library');
  ok(await until(() => page.locator('.bar').count()), 'and the queue is here again');
}

if (!binary()) {
  ok(true, 'flows # SKIP no sostenuto is built: script/build makes one');
  done();
} else {
  const music = makeMusic(musicFolder());
  const server = await Server.start(music);
  const browser = await launch();
  try {
    const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    const errors = [];
    page.on('pageerror', (error) => errors.push(`${error.name}: ${error.message} ${error.stack}`));
    page.on('console', (message) => /Content Security Policy|Refused to/.test(message.text()) && errors.push(message.text()));
    const person = new Person(page, server.base);
    await setUp(person, server);
    const secret = await connectApp(person, server);
    const wanted = process.env.FLOW;
    for (const flow of [browse, playAlbum, everyFormat, plainWay, queueSurvives, serverDies, neverSkips, twoScripts, playlists, keyboardOnly, lyricsFollow, accessible, signInAgain]) {
      if (wanted && !wanted.split(',').includes(flow.name)) continue;
      try {
        await flow(person, server, secret);
      } catch (error) {
        ok(false, `${flow.name} got to its end`, String(error.message).slice(0, 800));
        if (process.env.SHOT) await page.screenshot({ path: `${process.env.SHOT}-${flow.name}.png` });
        if (server.child.exitCode !== null || server.child.signalCode) await server.up();
      }
    }
    ok(errors.length === 0, 'no error and no breach of the content policy on the way', errors.slice(0, 5));
  } finally {
    await browser.close();
    await server.end();
  }
  done();
}
