// SPDX-License-Identifier: GPL-3.0-or-later
// One listener, an origin and two edges: the edge that they listen at dies in mid-song, the next one asks them to move, the
// one after that hangs, and the song goes on; the play arrives at the origin once.
import { done, ok } from '../harness.mjs';
import { binary } from '../server.mjs';
import { clock, met, moves, openAt, SONG_S, withFleet } from './moving.mjs';
import { Person, until } from './person.mjs';

async function plays(origin, session) {
  const query = new URLSearchParams({ f: 'json', v: '1.16.1', c: 'test', query: 'Held', songCount: '1' });
  const headers = { authorization: `Bearer ${session.accessToken}` };
  const answer = await (await fetch(`${origin.base}/rest/search3?${query}`, { headers })).json();
  return answer['subsonic-response'].searchResult3?.song?.[0]?.playCount ?? 0;
}

async function all(browser, origin, [paris, rome], session) {
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
}

if (!binary()) console.log('ok 1 - nodes # SKIP needs a built server');
else await withFleet(all);
done();
