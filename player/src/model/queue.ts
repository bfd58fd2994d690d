// SPDX-License-Identifier: GPL-3.0-or-later
// queue: what plays, what played, what comes, as an immutable value.  Every function returns a new queue; entries have
// keys of their own, because one song may stand in a queue twice.
import type { Song } from './types';

export interface Entry {
  key: number;
  song: Song;
}

export type Repeat = 'off' | 'all' | 'one';

export interface Queue {
  entries: readonly Entry[];
  at: number; // index of the current entry; -1 when the queue is empty
  repeat: Repeat;
  nextKey: number;
}

export const MOST_ENTRIES = 10_000;
export const EMPTY: Queue = { entries: [], at: -1, repeat: 'off', nextKey: 1 };

function keyed(queue: Queue, songs: readonly Song[]): Entry[] {
  const room = MOST_ENTRIES - queue.entries.length;
  return songs.slice(0, Math.max(room, 0)).map((song, i) => ({ key: queue.nextKey + i, song }));
}

/** The queue becomes these songs, the one at `at` current. */
export function replace(queue: Queue, songs: readonly Song[], at: number): Queue {
  const entries = keyed({ ...queue, entries: [] }, songs);
  const current = entries.length === 0 ? -1 : Math.min(Math.max(at, 0), entries.length - 1);
  return { ...queue, entries, at: current, nextKey: queue.nextKey + entries.length };
}

function insert(queue: Queue, songs: readonly Song[], index: number): Queue {
  const fresh = keyed(queue, songs);
  if (fresh.length === 0) return queue;
  const entries = [...queue.entries.slice(0, index), ...fresh, ...queue.entries.slice(index)];
  const at = queue.at < 0 ? 0 : index <= queue.at ? queue.at + fresh.length : queue.at;
  return { ...queue, entries, at, nextKey: queue.nextKey + fresh.length };
}

export const append = (queue: Queue, songs: readonly Song[]): Queue => insert(queue, songs, queue.entries.length);
export const playNext = (queue: Queue, songs: readonly Song[]): Queue => insert(queue, songs, queue.at + 1);

export const current = (queue: Queue): Entry | null => queue.entries[queue.at] ?? null;
export const indexOf = (queue: Queue, key: number): number => queue.entries.findIndex((entry) => entry.key === key);

/** The index that follows by itself when the entry at `at` ends, or -1. */
export function following(queue: Queue, at = queue.at): number {
  if (at < 0) return -1;
  if (queue.repeat === 'one') return at;
  if (at + 1 < queue.entries.length) return at + 1;
  return queue.repeat === 'all' ? 0 : -1;
}

/** What follows the entry with this key: asked by the engine, which runs ahead of what is heard. */
export function followingKey(queue: Queue, key: number): Entry | null {
  return queue.entries[following(queue, indexOf(queue, key))] ?? null;
}

export function goTo(queue: Queue, key: number): Queue {
  const at = indexOf(queue, key);
  return at < 0 ? queue : { ...queue, at };
}

/** One step on a person's wish: `repeat: one` does not hold them back. */
export function step(queue: Queue, by: 1 | -1): Queue {
  const count = queue.entries.length;
  const to = queue.at + by;
  if (to >= 0 && to < count) return { ...queue, at: to };
  return queue.repeat === 'all' && count > 0 ? { ...queue, at: (to + count) % count } : queue;
}

export function move(queue: Queue, key: number, to: number): Queue {
  const from = indexOf(queue, key);
  const moved = queue.entries[from];
  if (!moved || to === from || to < 0 || to >= queue.entries.length) return queue;
  const currentKey = current(queue)?.key ?? -1;
  const entries = queue.entries.filter((entry) => entry.key !== key);
  entries.splice(to, 0, moved);
  return { ...queue, entries, at: entries.findIndex((entry) => entry.key === currentKey) };
}

/** Removing the current entry makes the one after it current (or the last). */
export function remove(queue: Queue, key: number): Queue {
  const index = indexOf(queue, key);
  if (index < 0) return queue;
  const entries = queue.entries.filter((entry) => entry.key !== key);
  const at = index < queue.at ? queue.at - 1 : Math.min(queue.at, entries.length - 1);
  return { ...queue, entries, at };
}

export const clear = (queue: Queue): Queue => ({ ...queue, entries: [], at: -1 });

/** Everything but what plays now. */
export function clearRest(queue: Queue): Queue {
  const kept = current(queue);
  return kept ? { ...queue, entries: [kept], at: 0 } : clear(queue);
}

/** Shuffles what follows the current entry; what was heard stays where it is. */
export function shuffleRest(queue: Queue, random: () => number = Math.random): Queue {
  const rest = shuffled(queue.entries.slice(queue.at + 1), random);
  return { ...queue, entries: [...queue.entries.slice(0, queue.at + 1), ...rest] };
}

/** Fisher and Yates. */
export function shuffled<T>(things: readonly T[], random: () => number = Math.random): T[] {
  const out = [...things];
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [out[i], out[j]] = [out[j] as T, out[i] as T];
  }
  return out;
}

export function setRepeat(queue: Queue, repeat: Repeat): Queue {
  return { ...queue, repeat };
}

export const totalSeconds = (songs: readonly Song[]): number =>
  songs.reduce((sum, song) => sum + (song.duration ?? 0), 0);
