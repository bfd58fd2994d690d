// SPDX-License-Identifier: GPL-3.0-or-later
import assert from 'node:assert/strict';
import test from 'node:test';
import * as q from '../../src/model/queue';
import type { Song } from '../../src/model/types';

const songs = (...ids: string[]): Song[] => ids.map((id) => ({ id, title: id, duration: 60 }));
const of = (...ids: string[]): q.Queue => q.replace(q.EMPTY, songs(...ids), 0);
const ids = (queue: q.Queue): string => queue.entries.map((entry) => entry.song.id).join('');
const keyOf = (queue: q.Queue, id: string): number => queue.entries.find((entry) => entry.song.id === id)?.key ?? -1;
const now = (queue: q.Queue): string => q.current(queue)?.song.id ?? '';

test('replacing starts at the chosen song', () => {
  assert.equal(now(q.replace(of('x'), songs('a', 'b', 'c'), 1)), 'b');
  assert.equal(q.current(q.replace(q.EMPTY, [], 0)), null);
});

test('keys stay unique over the life of a queue, also for the same song twice', () => {
  const queue = q.append(q.playNext(of('a', 'b'), songs('a')), songs('a'));
  assert.equal(new Set(queue.entries.map((entry) => entry.key)).size, 4);
});

test('play next stands right after the current song, in order', () => {
  assert.equal(ids(q.playNext(of('a', 'b'), songs('x', 'y'))), 'axyb');
});

test('adding to an empty queue makes the first song current', () => {
  assert.equal(now(q.append(q.EMPTY, songs('a', 'b'))), 'a');
});

test('moving keeps the current song current, whichever song moves', () => {
  const queue = q.goTo(of('a', 'b', 'c', 'd'), keyOf(of('a', 'b', 'c', 'd'), 'b'));
  for (const [moved, to, order] of [['a', 3, 'bcda'], ['b', 3, 'acdb'], ['d', 0, 'dabc']] as const) {
    const next = q.move(queue, keyOf(queue, moved), to);
    assert.equal(ids(next), order);
    assert.equal(now(next), 'b');
  }
  assert.equal(q.move(queue, keyOf(queue, 'a'), 9), queue);
});

test('removing the current song makes the next one current, the last one the one before', () => {
  const queue = of('a', 'b', 'c');
  assert.equal(now(q.remove(queue, keyOf(queue, 'a'))), 'b');
  const atEnd = q.goTo(queue, keyOf(queue, 'c'));
  assert.equal(now(q.remove(atEnd, keyOf(queue, 'c'))), 'b');
  assert.equal(now(q.remove(atEnd, keyOf(queue, 'a'))), 'c');
});

test('repeat decides what follows by itself, and a person may still step on', () => {
  const queue = of('a', 'b');
  const last = q.goTo(queue, keyOf(queue, 'b'));
  assert.equal(q.following(last), -1);
  assert.equal(q.following(q.setRepeat(last, 'all')), 0);
  assert.equal(q.following(q.setRepeat(queue, 'one')), 0);
  assert.equal(now(q.step(q.setRepeat(queue, 'one'), 1)), 'b');
  assert.equal(now(q.step(last, 1)), 'b');
  assert.equal(now(q.step(q.setRepeat(queue, 'all'), -1)), 'b');
});

test('shuffling leaves what was heard in place and loses nothing', () => {
  const queue = q.goTo(of(...'abcdefgh'), keyOf(of(...'abcdefgh'), 'c'));
  const next = q.shuffleRest(queue, () => 0);
  assert.equal(ids(next).slice(0, 3), 'abc');
  assert.equal([...ids(next)].sort().join(''), 'abcdefgh');
});

test('a queue has a limit', () => {
  const many = Array.from({ length: q.MOST_ENTRIES + 5 }, (_, i) => ({ id: String(i), title: '' }));
  assert.equal(q.append(of('a'), many).entries.length, q.MOST_ENTRIES);
});
