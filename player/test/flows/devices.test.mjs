// SPDX-License-Identifier: GPL-3.0-or-later
// Two browsers of one listener: sessions bound to a key that no script can read, ended from the other side, and passkeys with
// Chromium's virtual authenticator.
import { makeMusic, musicFolder } from '../fixture/music.mjs';
import { done, launch, ok } from '../harness.mjs';
import { binary, Server } from '../server.mjs';
import { PASSWORD, PATIENCE_MS, Person, setUp, until, wait } from './person.mjs';

const isOpen = (page) => page.locator('.top').count();
const isGate = (page) => page.getByRole('heading', { name: 'Sign in' }).count();

async function newPerson(browser, base) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  return new Person(page, base);
}

async function signIn({ page, base, button }, password = PASSWORD) {
  await page.goto(base);
  await page.getByLabel('Name', { exact: true }).fill('Clara');
  await page.getByLabel('Password', { exact: true }).fill(password);
  await button('Sign in').click();
}

/** The session's key: kept on disk, and not to be had from there. */
async function boundSession({ page }) {
  const key = await page.evaluate(() => new Promise((resolve) => {
    const open = indexedDB.open('sostenuto');
    open.onsuccess = () => {
      const get = open.result.transaction('kept').objectStore('kept').get('browser-key');
      get.onsuccess = async () => {
        const { privateKey } = get.result ?? {};
        const leaked = await crypto.subtle.exportKey('jwk', privateKey).then(() => true, () => false);
        resolve({ type: privateKey?.type, leaked });
      };
    };
  }));
  ok(key.type === 'private' && !key.leaked, 'the browser has a key, and no script can read it', key);
  const cookies = (await page.context().cookies()).map(({ name }) => name);
  ok(!cookies.includes('sostenuto_refresh'), 'a bound session needs no refresh cookie', cookies);
  await page.reload();
  ok(await until(() => isOpen(page)), 'and a reload is still signed in');
}

async function endsElsewhere(here, there) {
  await signIn(there);
  ok(await until(() => isOpen(there.page)), 'a second browser signs in');
  await here.go('/settings');
  const rows = here.page.locator('.devices li');
  ok((await until(() => rows.count(), (count) => count === 2)) === 2, 'both are listed', await rows.allTextContents());
  const [mine, other] = [rows.filter({ hasText: 'this device' }), rows.filter({ hasText: 'last used' })];
  ok((await mine.count()) === 1 && (await mine.getByRole('button').count()) === 0, 'this one is marked');
  await other.getByRole('button', { name: /^Sign out/ }).click();
  ok((await until(() => rows.count(), (count) => count === 1)) === 1, 'the other one is ended from here');
  ok(await until(() => isGate(there.page)), 'and stands before the door');
  await signIn(there);
  await until(() => isOpen(there.page));
}

async function passkeys(person) {
  const { page, button } = person;
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
  });
  await person.go('/settings');
  await page.getByLabel('Name of a new passkey').fill('Laptop');
  await button('Add a passkey').click();
  ok(await until(() => page.locator('.rows li', { hasText: 'Laptop' }).count()), 'a passkey is added', await page.locator('.form-error').allTextContents());
  await button('Sign out').first().click();
  await until(() => isGate(page));
  await button('Use a passkey').click();
  ok(await until(() => isOpen(page)), 'and signs in without a password', await page.locator('.form-error').allTextContents());
  await person.go('/settings');
  ok(await until(() => page.locator('.rows li', { hasText: 'Laptop' }).filter({ hasText: 'last used' }).count()), 'its use is noted');
}

async function everywhere(here, there) {
  await here.page.reload();
  await until(() => isOpen(here.page));
  await here.go('/settings');
  await here.button('Sign out everywhere…').click();
  await here.button('Sign out everywhere').click();
  ok(await until(() => isGate(here.page)), 'sign out everywhere ends this one');
  ok(await until(() => isGate(there.page)), 'and every other');
  await here.page.reload();
  await wait(500);
  ok(await until(() => isGate(here.page)), 'for good');
}

if (!binary()) {
  ok(true, 'devices # SKIP no sostenuto is built: script/build makes one');
  done();
} else {
  const server = await Server.start(makeMusic(musicFolder()));
  const browser = await launch();
  try {
    const here = await newPerson(browser, server.base);
    const there = await newPerson(browser, server.base.replace('127.0.0.1', 'localhost')); // passkeys belong to names
    await setUp(here, server);
    for (const [scene, ...people] of [[boundSession, here], [endsElsewhere, here, there], [passkeys, there], [everywhere, here, there]]) {
      try {
        await scene(...people);
      } catch (error) {
        ok(false, `${scene.name} got to its end`, String(error.message).slice(0, 800));
        if (process.env.SHOT) for (const [i, { page }] of people.entries()) await page.screenshot({ path: `${process.env.SHOT}-${scene.name}-${i}.png` });
      }
    }
  } finally {
    await browser.close();
    await server.end();
  }
  done();
}
