// SPDX-License-Identifier: GPL-3.0-or-later
// playlists: a listener's edits, each one operation, shown at once and delivered when the server is there.
import { record } from '../data/journal';
import { newUid } from '../data/uid';
import { explain } from '../data/problem';
import { between, following, LONGEST } from '../model/position';
import type { Playlist, Song } from '../model/types';
import { count } from '../model/words';
import { say } from './notices';
import { amend, outdate } from './reads';

export const LIST_KEY = 'playlists:';
export const playlistKey = (id: string): string => `playlist:${id}`;

/** Operations name a playlist by its bare uid, OpenSubsonic by "pl-" and the uid. */
const uidOf = (id: string): string => id.replace(/^pl-/, '');

async function attempt(what: string, work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    say(`${what} could not be kept: ${explain(error)}`, true);
    return false;
  }
}

const placed = (songs: readonly Song[], low: string): Song[] => {
  const places = following(low, songs.length);
  return songs.map((song, i) => ({ ...song, entryId: newUid(), entryPosition: places[i] ?? '' }));
};

const wire = (songs: readonly Song[]): { entry: string; track: string; position: string }[] =>
  songs.map((song) => ({ entry: song.entryId ?? '', track: song.id, position: song.entryPosition ?? '' }));

async function put(id: string, songs: readonly Song[]): Promise<void> {
  for (let at = 0; at < songs.length; at += 1000) {
    await record('playlist.put', { id: uidOf(id), entries: wire(songs.slice(at, at + 1000)) });
  }
}

function recount(playlist: Playlist, entry: Song[]): Playlist {
  const duration = entry.reduce((sum, song) => sum + (song.duration ?? 0), 0);
  return { ...playlist, entry, songCount: entry.length, duration };
}

/** Returns the new playlist's id, or '' when it could not be kept. */
export async function createPlaylist(name: string, songs: readonly Song[]): Promise<string> {
  const uid = newUid();
  const id = `pl-${uid}`;
  const entry = placed(songs, '');
  const isKept = await attempt('The playlist', async () => {
    await record('playlist', { id: uid, name, created: Date.now() });
    await put(id, entry);
  });
  if (!isKept) return '';
  amend<Playlist[]>(LIST_KEY, (all) => [...all, recount({ id, name }, entry)]);
  say(`“${name}” is made`);
  refreshSoon(id);
  return id;
}

export async function addToPlaylist(playlist: Playlist, songs: readonly Song[]): Promise<void> {
  const last = playlist.entry?.at(-1)?.entryPosition ?? '';
  const fresh = placed(songs, last);
  const isKept = await attempt('The songs', () => put(playlist.id, fresh));
  if (!isKept) return;
  amend<Playlist>(playlistKey(playlist.id), (was) => recount(was, [...(was.entry ?? []), ...fresh]));
  say(`${count(songs.length, 'song')} added to “${playlist.name}”`);
  refreshSoon(playlist.id);
}

export async function renamePlaylist(playlist: Playlist, name: string): Promise<void> {
  if (!(await attempt('The name', () => record('playlist', { id: uidOf(playlist.id), name })))) return;
  amend<Playlist>(playlistKey(playlist.id), (was) => ({ ...was, name }));
  amend<Playlist[]>(LIST_KEY, (all) => all.map((one) => (one.id === playlist.id ? { ...one, name } : one)));
  refreshSoon(playlist.id);
}

export async function deletePlaylist(playlist: Playlist): Promise<boolean> {
  const work = (): Promise<void> => record('playlist.delete', { id: uidOf(playlist.id) });
  if (!(await attempt('This', work))) return false;
  amend<Playlist[]>(LIST_KEY, (all) => all.filter((one) => one.id !== playlist.id));
  say(`“${playlist.name}” is deleted`);
  refreshSoon(playlist.id);
  return true;
}

export async function removeAt(playlist: Playlist, index: number): Promise<void> {
  const song = playlist.entry?.[index];
  if (!song?.entryId) return say('This server does not say which entry that is; it cannot be removed here.', true);
  const entries = [song.entryId];
  if (!(await attempt('This', () => record('playlist.remove', { id: uidOf(playlist.id), entries })))) return;
  amend<Playlist>(playlistKey(playlist.id), (was) => recount(was, (was.entry ?? []).filter((_, i) => i !== index)));
  refreshSoon(playlist.id);
}

/** The entry takes a place between its new neighbours; no other entry changes. */
export async function moveTo(playlist: Playlist, from: number, to: number): Promise<void> {
  const entry = [...(playlist.entry ?? [])];
  const [song] = entry.splice(from, 1);
  if (!song?.entryId || to < 0 || to > entry.length) return;
  const low = entry[to - 1]?.entryPosition ?? '';
  const high = entry[to]?.entryPosition ?? '';
  entry.splice(to, 0, { ...song, entryPosition: between(low, high) });
  const isTight = (entry[to]?.entryPosition ?? '').length > LONGEST;
  if (isTight) following('', entry.length).forEach((place, i) => (entry[i] = { ...(entry[i] as Song), entryPosition: place }));
  amend<Playlist>(playlistKey(playlist.id), (was) => ({ ...was, entry }));
  await attempt('The order', () => put(playlist.id, isTight ? entry : entry.slice(to, to + 1)));
  refreshSoon(playlist.id);
}

let timer: ReturnType<typeof setTimeout> | null = null;
function refreshSoon(id: string): void {
  if (timer) clearTimeout(timer);
  timer = setTimeout(() => outdate(LIST_KEY, playlistKey(id)), 1500);
}
