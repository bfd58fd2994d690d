// SPDX-License-Identifier: GPL-3.0-or-later
// songs: a programme of songs, title and time joined by dots.
import type { ComponentChildren, JSX } from 'preact';
import type { Song } from '../model/types';
import { clock } from '../model/words';
import { current, isPlaying, playSongs, toggle } from '../state/playing';
import { Art, ArtistLinks, StarButton } from './basics';
import { Icon } from './icon';
import { Menu, type Action } from './menu';
import { songActions } from './song-menu';

interface RowProps {
  song: Song;
  number: ComponentChildren;
  isCurrent: boolean;
  onPlay: () => void;
  withArt?: boolean;
  withArtist?: boolean;
  more?: () => Action[];
  tools?: ComponentChildren;
  index?: number; // where it stands in a list that can be sorted
  isPast?: boolean;
}

export function SongRow(props: RowProps): JSX.Element {
  const { song, isCurrent } = props;
  const isHeard = isCurrent && isPlaying.value;
  return (
    <li
      class={`song ${isCurrent ? 'current' : ''} ${props.isPast ? 'past' : ''}`}
      data-index={props.index}
      {...(isCurrent && { 'aria-current': 'true' as const })}
    >
      <span class="song-number" aria-hidden="true">
        {isHeard ? <span class="sounding"><i /><i /><i /></span> : props.number}
      </span>
      {props.withArt && <Art id={song.coverArt} size={64} name={song.album ?? ''} />}
      <span class="song-words">
        <button type="button" class="song-title" data-row onClick={props.onPlay}>
          <span class="hidden">{isHeard ? 'Pause' : 'Play'} </span>
          {song.title}
        </button>
        {props.withArtist && (
          <span class="song-artist">
            <ArtistLinks of={song} />
          </span>
        )}
      </span>
      <span class="leader" aria-hidden="true" />
      <span class="song-tools">
        {props.tools}
        <StarButton thing={song} name={song.title} />
        <Menu label={`More for ${song.title}`} actions={() => songActions(song, props.more?.() ?? [])} />
      </span>
      <span class="song-time">{clock(song.duration)}</span>
    </li>
  );
}

/** A list that plays from the row that was chosen. */
export function Songs(props: {
  songs: readonly Song[];
  all?: readonly Song[]; // what is queued, when these are only a part
  withArt?: boolean;
  albumArtist?: string; // rows show an artist only when it is another one
  numbered?: boolean;
}): JSX.Element {
  const all = props.all ?? props.songs;
  const playing = current.value?.song.id;
  const play = (song: Song): void => {
    if (song.id === playing) toggle();
    else playSongs(all, all.indexOf(song));
  };
  return (
    <ol class="songs">
      {props.songs.map((song, i) => (
        <SongRow
          key={`${song.id} ${i}`}
          song={song}
          number={props.numbered ? (song.track ?? i + 1) : <Icon name="play" />}
          isCurrent={song.id === playing}
          onPlay={() => play(song)}
          withArt={props.withArt ?? false}
          withArtist={props.albumArtist === undefined || (song.displayArtist ?? song.artist) !== props.albumArtist}
        />
      ))}
    </ol>
  );
}
