// SPDX-License-Identifier: GPL-3.0-or-later
// A page that was opened before the last edge joined: all that it knew die, and its song goes on there.  An edge that was lost is
// a reason for another password.
import { done, ok } from '../harness.mjs';
import { binary } from '../server.mjs';
import { hold, isCurrent, joined } from './fleet.mjs';
import { clock, met, moves, openAt, scratch, withFleet } from './moving.mjs';
import { PASSWORD, Person, until } from './person.mjs';

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

async function all(browser, origin, edges, session) {
  await joinsLate(browser, origin, edges, session);
  await origin.up();
  await isAskedForAnotherPassword(browser, origin);
}

if (!binary()) console.log('ok 1 - late # SKIP needs a built server');
else await withFleet(all);
done();
