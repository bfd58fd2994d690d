// SPDX-License-Identifier: GPL-3.0-or-later
import type { JSX } from 'preact';
import { Answer, Button, Empty, Heading } from '../parts/basics';
import { askPlaylistName, loadPlaylists } from '../parts/choose-playlist';
import { count, span } from '../model/words';
import { LIST_KEY } from '../state/playlists';
import { useRead } from '../state/reads';
import { paths } from '../state/route';

export function PlaylistsView(): JSX.Element {
  const all = useRead(LIST_KEY, loadPlaylists);
  return (
    <>
      <Heading
        small={
          <Button icon="plus" onClick={() => askPlaylistName([], true)}>
            New playlist
          </Button>
        }
      >
        Playlists
      </Heading>
      <Answer of={all} name={LIST_KEY}>
        {(lists) =>
          lists.length === 0 ? (
            <Empty title="No playlists yet">
              <p>Make one here, or save the queue as one. Any song's menu adds to it.</p>
            </Empty>
          ) : (
            <ul class="index wide">
              {lists.map((list) => (
                <li key={list.id}>
                  <a data-row href={paths.playlist(list.id)}>
                    {list.name}
                  </a>
                  <span class="leader" aria-hidden="true" />
                  <span class="muted">
                    {count(list.songCount ?? 0, 'song')}
                    {list.duration ? `, ${span(list.duration)}` : ''}
                  </span>
                </li>
              ))}
            </ul>
          )
        }
      </Answer>
    </>
  );
}
