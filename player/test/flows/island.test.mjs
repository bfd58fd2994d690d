// SPDX-License-Identifier: GPL-3.0-or-later
// A listener, who is an admin, while the origin is away: they sign in by a passkey (Chromium's virtual authenticator) that was made
// at the origin, at its page that moved to an edge and at the edge's own; they play and star, ask for what only the origin decides,
// and see what became of it.  What the strip says is true in each state.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RATE, recording, wav } from '../fixture/music.mjs';
import { done, launch, ok } from '../harness.mjs';
import { binary, Server } from '../server.mjs';
import { hold, isCurrent, joined } from './fleet.mjs';
import { PASSWORD, PATIENCE_MS, Person, until } from './person.mjs';

const scratch = mkdtempSync(join(tmpdir(), 'sostenuto-island-'));
const ISLAND_MS = 2 * PATIENCE_MS; // a link that hangs is known to be broken after 40 s

function makeSong() {
  const music = join(scratch, 'music');
  mkdirSync(music);
  const part = join(scratch, 'song.wav');
  writeFileSync(part, wav(recording(20 * RATE)));
  const tags = ['TITLE=Held', 'ALBUM=Long Notes', 'ARTIST=Pedal', 'TRACKNUMBER=1'];
  execFileSync('flac', ['-s', '-f', ...tags.flatMap((tag) => ['-T', tag]), '-o', join(music, '01.flac'), part]);
  return music;
}

const shot = (page, name) => process.env.SHOT && page.screenshot({ path: `${process.env.SHOT}-${name}.png`, fullPage: true });
const isOpen = (page) => page.locator('.top').count();
const strip = (page) => page.locator('.strip').textContent({ timeout: 2000 }).catch(() => '');
const sentence = (page, words, limitMs = ISLAND_MS) => until(() => strip(page), (text) => text.includes(words), limitMs);
const errors = (page) => page.locator('.form-error').allTextContents();

async function read(node, session, name, parameters = {}) {
  const query = new URLSearchParams({ f: 'json', v: '1.16.1', c: 'test', ...parameters });
  const answer = await fetch(`${node.base}/rest/${name}?${query}`, { headers: { authorization: `Bearer ${session.accessToken}` } });
  return (await answer.json())['subsonic-response'];
}

async function usedAt(node, session) {
  const answer = await fetch(`${node.base}/api/v1/passkeys`, { headers: { authorization: `Bearer ${session.accessToken}` } });
  return (await answer.json())[0]?.lastUsedAt ?? 0;
}

async function makesPasskey(person, origin) {
  const { page, button } = person;
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
  });
  await page.goto(origin.home);
  await page.getByLabel('Name', { exact: true }).fill('Clara');
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await button('Sign in').click();
  await page.locator('.top').waitFor();
  await person.go('/settings');
  await page.getByLabel('Name of a new passkey').fill('Laptop');
  await button('Add a passkey').click();
  ok(await until(() => page.locator('.rows li', { hasText: 'Laptop' }).count()), 'a passkey is made at the origin', await errors(page));
}

async function signsInByPasskey({ page, button }, claim) {
  await until(() => button('Use a passkey').count());
  await button('Use a passkey').click();
  ok(await until(() => isOpen(page)), claim, await errors(page));
}

async function playsAndStars(person) {
  const { page } = person;
  await person.openAlbum('Long Notes');
  await person.button('Play').first().click();
  await page.locator('.play-button[aria-label=Pause]').waitFor();
  ok(await until(() => person.position(), (at) => at > 1), 'and plays what the edge holds');
  await page.locator('.song').hover();
  await page.locator('.song').getByRole('button', { name: 'Star Held' }).click();
  ok(await until(() => page.locator('.song .star[aria-pressed=true]').count()), 'and stars it');
}

async function choose(person, name, action) {
  await person.button(`More for ${name}`).click();
  await person.page.getByRole('menuitem', { name: action }).click();
}

const rows = (page, text) => page.locator('.requests li', { hasText: text });

async function asks(person) {
  const { page, button } = person;
  await person.go('/settings');
  await button('Ask for it').waitFor();
  await page.getByLabel('Name of a new listener').fill('Carl');
  ok((await page.getByLabel('First password').count()) === 0, 'an island wants no password for a new listener');
  await button('Ask for it').click();
  ok(await until(() => rows(page, 'Add Carl').filter({ hasText: 'kept; the origin decides' }).count()), 'a new listener is asked for: it is kept, and said so', await errors(page));
  await choose(person, 'Bella', 'Remove…');
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await until(() => rows(page, 'Remove Bella').count());
  await choose(person, 'Bella', 'Make an admin');
  ok(await until(() => rows(page, 'Bella: make an admin').count()), 'and so are other things');
  const text = await sentence(page, '3 requests of yours wait');
  ok(text.includes('The origin does not answer.') && text.includes('3 requests of yours wait for it.'), 'the strip says what waits', text);
  await shot(page, 'requests-wait');
}

async function areDecided(person) {
  const { page } = person;
  ok(await until(() => rows(page, 'Add Carl').filter({ hasText: '· done' }).count(), Boolean, ISLAND_MS), 'the origin back: one is done', await page.locator('.requests').allTextContents());
  await until(() => rows(page, 'kept;').count(), (count) => count === 0, ISLAND_MS);
  ok((await rows(page, 'Remove Bella').filter({ hasText: '· done' }).count()) === 1, 'another too');
  const refused = await rows(page, 'Bella: make an admin').textContent();
  ok(/refused: There is no account/.test(refused), 'and what could not be is refused, with why', refused);
  await until(() => page.locator('.rows', { hasText: 'Carl' }).count());
  const text = await until(() => strip(page), (words) => words.startsWith('paris · linked'), ISLAND_MS);
  ok(text.startsWith('paris · linked'), 'and the strip has nothing to say', text);
  await shot(page, 'requests-decided');
}

async function hangs(page, origin) {
  origin.child.kill('SIGSTOP');
  const text = await sentence(page, 'The origin does not answer.', 2 * ISLAND_MS);
  ok(text.includes('The origin does not answer.'), 'an origin that hangs is said not to answer', text);
  await shot(page, 'hung');
  origin.child.kill('SIGCONT');
  const after = await until(() => strip(page), (words) => !words.includes('origin')); // and not a deadline later
  ok(!after.includes('origin'), 'until it does', after);
}

/** A node that is taken out, and there is no other: the page stays, and says so. */
async function drains(page, origin, paris) {
  await origin.down();
  paris.command('drain');
  await sentence(page, 'The origin does not answer.');
  await origin.up();
  await page.route(`${origin.home}/**`, (route) => route.abort());
  const text = await sentence(page, 'about to be stopped');
  ok(text.startsWith('paris is about to be stopped'), 'a node that is drained says so', text);
  await shot(page, 'drains');
  paris.command('drain', '--undo');
  await page.unroute(`${origin.home}/**`);
}

async function all(browser, origin) {
  const body = JSON.stringify({ code: await origin.code(), name: 'Clara', password: PASSWORD });
  const session = await (await fetch(`${origin.base}/api/v1/setup`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })).json();
  await origin.signedIn('Bella', PASSWORD);
  const paris = await joined(origin, 'paris', scratch, 'paris.music.localhost');
  try {
    const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    const person = new Person(page, origin.home);
    await makesPasskey(person, origin);
    await until(() => isCurrent(paris));
    const { song } = (await until(() => read(origin, session, 'search3', { query: 'Held' }), (found) => found.searchResult3?.song)).searchResult3;
    await hold(paris, song[0].id, session.grant);
    const made = Date.now(); // the passkey; ages are whole seconds
    await until(() => isCurrent(paris, (Date.now() - made) / 1000 - 1));
    await origin.down();
    ok((await sentence(page, 'The origin does not answer.')).includes('What you do is kept.'), "the origin is killed: its page goes on at an edge, and says what is wrong", await strip(page));
    await shot(page, 'island');
    await person.button('Sign out').first().click();
    await signsInByPasskey(person, "signed out, they sign in by the passkey at the origin's page, which an edge answers");
    await page.goto(paris.home);
    await signsInByPasskey(person, "and at the edge's own page");
    await playsAndStars(person);
    await asks(person);
    await origin.up();
    const starred = await until(async () => (await read(origin, session, 'getStarred2')).starred2?.song ?? [], (songs) => songs.length > 0, ISLAND_MS);
    ok(starred.length === 1 && starred[0].title === 'Held', 'the star is at the origin, once', starred);
    const used = await until(() => usedAt(origin, session), (at) => at > made, ISLAND_MS);
    ok(used > made, 'and that the passkey was used', used);
    await areDecided(person);
    await hangs(page, origin);
    await drains(page, origin, paris);
  } catch (error) {
    ok(false, 'got to its end', String(error.message).slice(0, 800));
    for (const open of browser.contexts().flatMap((context) => context.pages())) await shot(open, 'end');
  } finally {
    await paris.end();
  }
}

if (!binary()) console.log('ok 1 - island # SKIP needs a built server');
else {
  const origin = await Server.start(makeSong(), '--no-supervisor', { name: 'music.localhost' });
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
