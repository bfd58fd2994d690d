// SPDX-License-Identifier: GPL-3.0-or-later
// choose-playlist: songs go into a playlist that is there, or into a new one.
import type { JSX } from 'preact';
import { rest } from '../data/objects';
import { explain } from '../data/problem';
import type { Playlist, Song } from '../model/types';
import { say } from '../state/notices';
import { addToPlaylist, createPlaylist, LIST_KEY } from '../state/playlists';
import { useRead } from '../state/reads';
import { go, paths } from '../state/route';
import { Answer, Button } from './basics';
import { closeDialog, showDialog } from './dialog';
import { AskText, DialogFrame } from './dialogs';

export const loadPlaylists = async (): Promise<Playlist[]> =>
  (await rest<{ playlist?: Playlist[] }>('getPlaylists', 'playlists', {})).playlist ?? [];

export function askPlaylistName(songs: readonly Song[], isOpening = false): void {
  const made = (id: string): void => {
    if (id && isOpening) go(paths.playlist(id));
  };
  showDialog(
    <AskText title="New playlist" label="Name" action="Create" onDone={(name) => void createPlaylist(name, songs).then(made)} />,
  );
}

function ChoosePlaylist({ songs }: { songs: readonly Song[] }): JSX.Element {
  const all = useRead(LIST_KEY, loadPlaylists);
  const add = async (playlist: Playlist): Promise<void> => {
    closeDialog();
    try {
      const whole = await rest<Playlist>('getPlaylist', 'playlist', { id: playlist.id });
      await addToPlaylist(whole, songs);
    } catch (error) {
      say(explain(error), true);
    }
  };
  return (
    <DialogFrame title="Add to a playlist">
      <Answer of={all} name={LIST_KEY}>
        {(lists) => (
          <ul class="pick">
            {lists.filter((list) => !list.readonly).map((list) => (
              <li key={list.id}>
                <button type="button" onClick={() => void add(list)}>
                  {list.name}
                </button>
              </li>
            ))}
          </ul>
        )}
      </Answer>
      <div class="dialog-actions">
        <Button icon="plus" onClick={() => askPlaylistName(songs)}>
          New playlist
        </Button>
      </div>
    </DialogFrame>
  );
}

export const choosePlaylist = (songs: readonly Song[]): void => showDialog(<ChoosePlaylist songs={songs} />);
