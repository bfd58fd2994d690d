// SPDX-License-Identifier: GPL-3.0-or-later
// playing: the queue and the engine as one: what every button, key and menu calls.
import { computed, effect, signal } from '@preact/signals';
import { Engine, type EngineOwner } from '../audio/engine';
import type { Item } from '../audio/stage';
import { command, keep, kept, record } from '../data/journal';
import { digestOf, manifestOf } from '../data/manifests';
import { doubt, move, openObject, rest, setRunningOut } from '../data/objects';
import { person, renewGrant, token } from '../data/session';
import { explain } from '../data/problem';
import { HeardMeter } from '../model/heard';
import * as q from '../model/queue';
import type { Song } from '../model/types';
import { count } from '../model/words';
import { later } from './later';
import { say } from './notices';
import { outdate } from './reads';
import { change, settings } from './settings';

export const queue = signal<q.Queue>(q.EMPTY);
export const current = computed(() => q.current(queue.value));

let meter: { key: number; heard: HeardMeter } | null = null;

const owner: EngineOwner = {
  follow: (key) => q.followingKey(queue.value, key),
  onNow: (key) => {
    queue.value = q.goTo(queue.value, key);
    const entry = q.current(queue.value);
    if (entry) engine.setNow(entry);
    announce();
  },
  onPosition: (key, seconds) => listen(key, seconds),
  onEndOfQueue: () => {
    const first = queue.value.entries[0];
    if (first) load(q.goTo(queue.value, first.key), 0);
    saveSoon();
  },
  onFailed: (item, error) => say(`“${item.song.title}” cannot be played: ${explain(error)}`, true),
};

const net = { manifest: manifestOf, open: openObject, digest: digestOf, renewGrant, onSlow: move, onSilence: doubt };
export const engine = new Engine(owner, net, async () => (await later()).ElementStage);
export const { isPlaying, isStalled, positionS, durationS, heldS } = engine;

const SHORT_S = 6; // with less of it held a node that is silent is left

setRunningOut(() => {
  const aheadS = heldS.peek() - positionS.peek();
  return isPlaying.peek() && aheadS > 0 && aheadS < SHORT_S && heldS.peek() < durationS.peek() - 1;
});

effect(() => engine.setVolume(settings.value.isMuted ? 0 : settings.value.volume ** 2));
effect(() => engine.setGainMode(settings.value.gain));
effect(() => {
  const { way } = settings.value;
  if (way) engine.setWay(way);
});

// --- playing ---

function load(next: q.Queue, seconds: number): void {
  queue.value = next;
  engine.load(q.current(next), seconds);
}

function start(next: q.Queue): void {
  queue.value = next;
  const entry = q.current(next);
  if (entry) engine.start(entry);
  else engine.load(null, 0);
  meter = null;
  announce();
  saveSoon();
}

/** The queue becomes these songs. */
export function playSongs(songs: readonly Song[], at = 0): void {
  if (songs.length === 0) return;
  start(q.replace(queue.value, songs, at));
  if (songs.length > q.MOST_ENTRIES) say(`The queue holds ${count(q.MOST_ENTRIES, 'song')}; the rest was left out.`);
}

export const shuffleSongs = (songs: readonly Song[]): void => playSongs(q.shuffled(songs));

export function playEntry(key: number): void {
  start(q.goTo(queue.value, key));
}

export function toggle(): void {
  if (isPlaying.value) pause();
  else engine.play();
}

export function pause(): void {
  engine.pause();
  meter?.heard.jump();
  saveSoon();
  handOverSoon();
}

export function next(): void {
  const stepped = q.step(queue.value, 1);
  if (stepped.at !== queue.value.at) start(stepped);
}

/** Back to the start of this track; from its first seconds, to the track before. */
export function previous(): void {
  const stepped = q.step(queue.value, -1);
  if (positionS.value > 3 || stepped.at === queue.value.at) seek(0);
  else start(stepped);
}

export function seek(seconds: number): void {
  meter?.heard.jump();
  engine.seek(seconds);
  saveSoon();
}

export const skip = (by: number): void => seek(positionS.value + by);

export function setVolume(volume: number): void {
  change({ volume: Math.min(1, Math.max(0, volume)), isMuted: false });
}

export const toggleMute = (): void => change({ isMuted: !settings.value.isMuted });

// --- the queue ---

function rearrange(next: q.Queue): void {
  const was = current.value?.key;
  queue.value = next;
  const entry = q.current(next);
  if (!entry) engine.load(null, 0);
  else if (entry.key === was) engine.refresh();
  else if (was === undefined || !isPlaying.value) engine.load(entry, 0);
  else start(next);
  saveSoon();
  handOverSoon();
}

export function addLast(songs: readonly Song[]): void {
  rearrange(q.append(queue.value, songs));
  say(`${count(songs.length, 'song')} added to the queue`);
}

export function addNext(songs: readonly Song[]): void {
  rearrange(q.playNext(queue.value, songs));
  say(songs.length === 1 ? `“${songs[0]?.title}” comes next` : `${count(songs.length, 'song')} come next`);
}

export const moveEntry = (key: number, to: number): void => rearrange(q.move(queue.value, key, to));
export const removeEntry = (key: number): void => rearrange(q.remove(queue.value, key));
export const clearRest = (): void => rearrange(q.clearRest(queue.value));
export const clearAll = (): void => rearrange(q.clear(queue.value));
export const shuffleRest = (): void => rearrange(q.shuffleRest(queue.value));

export function cycleRepeat(): void {
  const order: q.Repeat[] = ['off', 'all', 'one'];
  const repeat = order[(order.indexOf(queue.value.repeat) + 1) % 3] ?? 'off';
  rearrange(q.setRepeat(queue.value, repeat));
  say({ off: 'Repeat is off', all: 'The queue repeats', one: 'This song repeats' }[repeat]);
}

// --- listening becomes plays ---

function listen(key: number, seconds: number): void {
  const entry = current.value;
  if (!entry || entry.key !== key || !isPlaying.value) return;
  if (meter?.key !== key || (seconds < 1 && meter.heard.heardMs > 5000)) {
    meter = { key, heard: new HeardMeter(durationS.value || entry.song.duration || 0) };
  }
  if (meter.heard.at(seconds)) void countPlay(entry.song, meter.heard.heardMs);
  saveEverySecond();
}

async function countPlay(song: Song, heardMs: number): Promise<void> {
  const artists = song.artists?.map((artist) => artist.id) ?? (song.artistId ? [song.artistId] : []);
  try {
    await record('play', {
      track: song.id,
      at: Date.now(),
      ...(song.albumId && { album: song.albumId }),
      ...(artists.length > 0 && { artists }),
      heard_ms: heardMs,
      client: 'player',
    });
    outdate('home:recent', 'home:frequent');
  } catch (error) {
    say(`This play could not be kept: ${explain(error)}`, true);
  }
}

/** Tells the server what plays now: volatile, so not an operation. */
function announce(): void {
  const entry = current.value;
  if (!entry || !isPlaying.value) return;
  handOverSoon();
  const form = new URLSearchParams({ f: 'json', v: '1.16.1', c: 'sostenuto', id: entry.song.id, submission: 'false' });
  void token()
    .then((bearer) => command('GET', `/rest/scrobble?${form.toString()}`, undefined, bearer))
    .catch(() => undefined);
}

// --- queue and place survive ---

interface Place {
  key: number;
  seconds: number;
  lineBps?: number; // what the line gave
}

let saveTimer: ReturnType<typeof setTimeout> | null = null;
let savedAt = 0;
let savedEntries: readonly q.Entry[] | null = null;

const mine = (name: string): string => `${name}:${person.value?.id ?? ''}`;

function save(): void {
  const { entries, repeat, nextKey } = queue.value;
  const place: Place = { key: current.value?.key ?? -1, seconds: positionS.value, lineBps: Math.round(engine.throughput.bps) };
  if (entries !== savedEntries) void keep(mine('queue'), { entries, repeat, nextKey });
  savedEntries = entries;
  savedAt = Date.now();
  void keep(mine('place'), place);
}

function saveSoon(): void {
  if (saveTimer) return;
  saveTimer = setTimeout(() => {
    saveTimer = null;
    save();
  }, 50);
}

function saveEverySecond(): void {
  if (Date.now() - savedAt >= 900) save();
}

addEventListener('pagehide', save);

export async function restoreQueue(): Promise<void> {
  const saved = await kept<Omit<q.Queue, 'at'>>(mine('queue'));
  const place = await kept<Place>(mine('place'));
  engine.throughput.expect(place?.lineBps ?? 0);
  if (queue.value.entries.length > 0) return; // somebody was faster
  if (saved && saved.entries.length > 0) {
    const restored = q.goTo({ ...saved, at: 0 }, place?.key ?? -1);
    savedEntries = restored.entries;
    return load(restored, q.current(restored)?.key === place?.key ? (place?.seconds ?? 0) : 0);
  }
  await fetchQueue();
}

interface ServerQueue {
  entry?: Song[];
  current?: string;
  position?: number; // ms
}

/** What this person left on another device. */
async function fetchQueue(): Promise<void> {
  const found = await rest<ServerQueue>('getPlayQueue', 'playQueue', {}).catch(() => null);
  if (!found?.entry?.length || queue.value.entries.length > 0) return;
  const at = Math.max(0, found.entry.findIndex((song) => song.id === found.current));
  load(q.replace(queue.value, found.entry, at), (found.position ?? 0) / 1000);
}

let handOverTimer: ReturnType<typeof setTimeout> | null = null;

/** So that another device can go on here: at most every few seconds. */
function handOverSoon(): void {
  handOverTimer ??= setTimeout(() => {
    handOverTimer = null;
    const { entries, at } = queue.value;
    void record('queue', {
      tracks: entries.slice(0, 1000).map((entry) => entry.song.id),
      current: Math.min(Math.max(at, 0), 999),
      position_ms: Math.round(positionS.value * 1000),
      client: 'player',
    }).catch(() => undefined);
  }, 5000);
}

export function forgetQueue(): void {
  if (handOverTimer) clearTimeout(handOverTimer);
  handOverTimer = null;
  savedEntries = null;
  meter = null;
  load(q.EMPTY, 0);
}

export type { Item };
