// SPDX-License-Identifier: GPL-3.0-or-later
// song-menu: what can be done with some songs, the same everywhere.
import type { Song } from '../model/types';
import { later } from '../state/later';
import { addLast, addNext } from '../state/playing';
import { go, paths } from '../state/route';
import type { Action } from './menu';

export const choosePlaylist = (songs: readonly Song[]): void => void later().then((script) => script.choosePlaylist(songs));

export function songActions(song: Song, more: Action[] = []): Action[] {
  const { albumId, artistId } = song;
  const actions: Action[] = [
    { name: 'Play next', run: () => addNext([song]) },
    { name: 'Add to queue', run: () => addLast([song]) },
    { name: 'Add to playlist…', run: () => choosePlaylist([song]) },
    ...more,
  ];
  if (albumId) actions.push({ name: 'Go to album', run: () => go(paths.album(albumId)) });
  if (artistId) actions.push({ name: 'Go to artist', run: () => go(paths.artist(artistId)) });
  return actions;
}
