// SPDX-License-Identifier: GPL-3.0-or-later
import assert from 'node:assert/strict';
import test from 'node:test';
import { trouble, type Facts } from '../../src/model/trouble';
import { age, timeOfDay } from '../../src/model/words';

const FINE: Facts = { link: 'linked', node: 'paris', unsent: 0, isHeldUp: false, isDurable: true, asked: 0, isPlaying: false };
const NOON = Date.UTC(2026, 0, 1, 12);

const ROWS: [string, Partial<Facts>, string][] = [
  ['nothing is wrong', {}, ''],
  ['changes on their way are no trouble', { unsent: 3 }, ''],
  ['no node answers', { awaySince: NOON }, `No server has answered since ${timeOfDay(NOON)}. What you do is kept.`],
  ['that while a song plays', { awaySince: NOON, isPlaying: true, unsent: 1 },
   `No server has answered since ${timeOfDay(NOON)}. The music goes on. What you do is kept: 1 change to send.`],
  ['that in a browser which keeps nothing', { awaySince: NOON, isDurable: false }, `No server has answered since ${timeOfDay(NOON)}.`],
  ['the origin is dead or hangs', { link: 'island', isPlaying: true }, 'The origin does not answer. The music goes on. What you do is kept.'],
  ['that with requests', { link: 'island', asked: 2 }, 'The origin does not answer. What you do is kept. 2 requests of yours wait for it.'],
  ['a journal that is full there', { link: 'island', unsent: 12, isHeldUp: true }, 'The origin does not answer. What you do is kept: 12 changes to send.'],
  ['a sign-in that is not renewed here', { link: 'island', signIn: 'Not here.' }, 'Not here.'],
  ['a node that is drained', { draining: true }, 'paris is about to be stopped; this page moves to another as soon as one answers.'],
  ['a journal that is full while linked', { unsent: 2, isHeldUp: true }, 'paris takes no changes just now. 2 changes to send, kept here.'],
  ['the same at an origin alone', { node: '', link: undefined, unsent: 2, isHeldUp: true }, 'The server takes no changes just now. 2 changes to send, kept here.'],
  ['a request that is not decided yet', { asked: 1 }, 'The origin has not decided yet. 1 request of yours waits for it.'],
];

for (const [state, facts, words] of ROWS) {
  test(`one sentence: ${state}`, () => assert.equal(trouble({ ...FINE, ...facts }), words));
}

test('an age is read at a glance', () => {
  assert.deepEqual([61, 5 * 60, 7260, 47 * 3600, 3 * 86400 + 5].map(age), ['1 min', '5 min', '2 h 1 min', '47 h', '3 days']);
});
