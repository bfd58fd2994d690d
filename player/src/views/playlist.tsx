// SPDX-License-Identifier: GPL-3.0-or-later
import type { JSX } from 'preact';
import { rest } from '../data/objects';
import { Answer, Button, Empty, Heading } from '../parts/basics';
import { showDialog } from '../parts/dialog';
import { AskText, Confirm } from '../parts/dialogs';
import { useGrowing } from '../parts/growing';
import { Menu } from '../parts/menu';
import { Grip, Sortable } from '../parts/sortable';
import { SongRow } from '../parts/songs';
import type { Playlist } from '../model/types';
import { count, span } from '../model/words';
import { addLast, current, playSongs, shuffleSongs, toggle } from '../state/playing';
import { deletePlaylist, moveTo, playlistKey, removeAt, renamePlaylist } from '../state/playlists';
import { useRead } from '../state/reads';
import { go } from '../state/route';

function rename(playlist: Playlist): void {
  showDialog(
    <AskText
      title="Rename"
      label="Name"
      value={playlist.name}
      action="Rename"
      onDone={(name) => void renamePlaylist(playlist, name)}
    />,
  );
}

function askDelete(playlist: Playlist): void {
  const done = async (): Promise<void> => {
    if (await deletePlaylist(playlist)) go('/playlists', true);
  };
  showDialog(
    <Confirm
      title={`Delete “${playlist.name}”?`}
      text="The songs stay in the library; only the list goes."
      action="Delete"
      onDone={() => void done()}
    />,
  );
}

function Rows({ playlist }: { playlist: Playlist }): JSX.Element {
  const songs = playlist.entry ?? [];
  const isMine = !playlist.readonly;
  const playing = current.value?.song.id;
  const [shown, end] = useGrowing(songs.length);
  return (
    <Sortable class="sortable" onMove={(from, to) => void moveTo(playlist, from, to)}>
      <ol class="songs">
        {songs.slice(0, shown).map((song, i) => (
          <SongRow
            key={song.entryId ?? `${song.id} ${i}`}
            song={song}
            index={i}
            number={i + 1}
            isCurrent={song.id === playing}
            onPlay={() => (song.id === playing ? toggle() : playSongs(songs, i))}
            withArt
            withArtist
            more={() => (isMine ? [{ name: 'Remove from playlist', run: () => void removeAt(playlist, i) }] : [])}
            tools={
              isMine && song.entryId ? (
                <Grip name={song.title} index={i} count={songs.length} onMove={(to) => void moveTo(playlist, i, to)} />
              ) : null
            }
          />
        ))}
      </ol>
      {end}
    </Sortable>
  );
}

function Body({ playlist }: { playlist: Playlist }): JSX.Element {
  const songs = playlist.entry ?? [];
  const more = (): { name: string; run: () => void }[] => [
    { name: 'Add to queue', run: () => addLast(songs) },
    ...(playlist.readonly
      ? []
      : [
          { name: 'Rename…', run: () => rename(playlist) },
          { name: 'Delete…', run: () => askDelete(playlist) },
        ]),
  ];
  return (
    <>
      <p class="overline">Playlist{playlist.readonly && playlist.owner ? ` by ${playlist.owner}` : ''}</p>
      <Heading small={<span class="muted">{count(songs.length, 'song')}, {span(playlist.duration ?? 0)}</span>}>
        {playlist.name}
      </Heading>
      <div class="actions">
        <Button kind="strong" icon="play" disabled={songs.length === 0} onClick={() => playSongs(songs)}>
          Play
        </Button>
        <Button icon="shuffle" disabled={songs.length === 0} onClick={() => shuffleSongs(songs)}>
          Shuffle
        </Button>
        <Menu label={`More for ${playlist.name}`} actions={more} />
      </div>
      {songs.length === 0 ? (
        <Empty title="Nothing in it yet">
          <p>“Add to playlist” in the menu of any song puts it here.</p>
        </Empty>
      ) : (
        <Rows playlist={playlist} />
      )}
    </>
  );
}

export function PlaylistView({ id }: { id: string }): JSX.Element {
  const key = playlistKey(id);
  const playlist = useRead(key, () => rest<Playlist>('getPlaylist', 'playlist', { id }));
  return (
    <Answer of={playlist} name={key}>
      {(found) => <Body playlist={found} />}
    </Answer>
  );
}
