// SPDX-License-Identifier: GPL-3.0-or-later
import 'fake-indexeddb/auto';
import assert from 'node:assert/strict';
import test from 'node:test';
import { hearDate, hereMs, serverNow } from '../../src/data/server-clock';
import { gate, session, token, unrenewed, type Session } from '../../src/data/session';

const HOUR_MS = 3_600_000;
const LIFE_MS = 15 * 60_000;
const realNow = Date.now;
let trueMs = realNow(); // the server's
let renewals = 0;
let status = 200;

function answer(): Response {
  const headers = { 'content-type': 'application/json', date: new Date(trueMs).toUTCString() };
  if (status !== 200) return new Response(JSON.stringify({ title: 'Later', detail: 'At https://rome.test it can be checked.' }), { status, headers });
  renewals += 1;
  const fresh: Session = {
    accessToken: `token-${renewals}`, expiresAt: trueMs + LIFE_MS, grant: 'g', grantExpiresAt: trueMs + 12 * HOUR_MS, isBound: true,
    user: { id: 'a', name: 'anna', isAdmin: false }, server: { name: 's', version: '0' },
  };
  return new Response(JSON.stringify(fresh), { status, headers });
}

/** A browser whose clock is off by this, at a server that is right; it was never here before. */
function begin(offMs: number): void {
  trueMs = realNow();
  Date.now = () => trueMs + offMs;
  Object.assign(globalThis, { location: { origin: 'http://localhost' }, fetch: () => Promise.resolve(answer()) });
  hearDate(new Date(Date.now()).toUTCString());
  [renewals, status, session.value, gate.value] = [0, 200, null, 'waiting'];
}

for (const [clock, offMs] of [['right', 0], ['an hour fast', HOUR_MS], ['an hour slow', -HOUR_MS], ['a year fast', 365 * 24 * HOUR_MS]] as const) {
  test(`with a clock that is ${clock} a session is renewed when it ends at the server, once`, async () => {
    begin(offMs);
    assert.equal(await token(), 'token-1');
    for (let i = 0; i < 5; i++) assert.equal(await token(), 'token-1', 'it is good: nobody asks');
    trueMs += LIFE_MS - 2 * 60_000;
    assert.equal(await token(), 'token-1');
    trueMs += 90_000;
    assert.equal(await token(), 'token-2', 'a minute before it ends');
    assert.equal(renewals, 2);
    assert.ok(Math.abs(serverNow() - trueMs) <= 1000);
    assert.ok(Math.abs(hereMs(trueMs) - Date.now()) <= 1000, "and a server's time is shown by this clock");
  });
}

test('an answer without a date changes nothing', () => {
  begin(HOUR_MS);
  hearDate(new Date(trueMs).toUTCString());
  hearDate(null);
  hearDate('soon');
  assert.ok(Math.abs(serverNow() - trueMs) <= 1000);
});

test('a node that cannot renew says why, until one can; nobody is signed out', async () => {
  begin(0);
  await token();
  trueMs += LIFE_MS;
  status = 503;
  await assert.rejects(token());
  assert.match(unrenewed.value, /rome\.test/);
  assert.notEqual(gate.value, 'sign-in');
  status = 200;
  assert.equal(await token(), 'token-2');
  assert.equal(unrenewed.value, '');
});
