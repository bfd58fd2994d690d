// SPDX-License-Identifier: GPL-3.0-or-later
import type { JSX } from 'preact';
import { rest } from '../data/objects';
import { Answer, Art, ArtistLinks, Button, Empty, Heading, StarButton, Waiting } from '../parts/basics';
import { lazy } from '../parts/lazy';
import { Menu } from '../parts/menu';
import { choosePlaylist } from '../parts/song-menu';
import { Songs } from '../parts/songs';
import { totalSeconds } from '../model/queue';
import { artistOf, type Album, type Song } from '../model/types';
import { count, quality, span } from '../model/words';
import { addLast, addNext, playSongs, shuffleSongs } from '../state/playing';
import { useRead } from '../state/reads';
import { paths } from '../state/route';

const Tint = lazy('', (later) => later.Tint);

function discsOf(songs: readonly Song[]): [number, Song[]][] {
  const discs = new Map<number, Song[]>();
  for (const song of songs) {
    const disc = song.discNumber ?? 1;
    discs.set(disc, [...(discs.get(disc) ?? []), song]);
  }
  return [...discs].sort(([a], [b]) => a - b);
}

/** role → names, in the order the files give; the album's own artist is not news. */
function creditsOf(album: Album, songs: readonly Song[]): [string, string[]][] {
  const roles = new Map<string, Set<string>>();
  const add = (role: string, name: string): void => {
    roles.set(role, (roles.get(role) ?? new Set()).add(name));
  };
  for (const song of songs) {
    for (const { role, subRole, artist } of song.contributors ?? []) {
      if (role !== 'artist' && role !== 'albumartist') add(subRole ? `${role} (${subRole})` : role, artist.name);
    }
    if (!song.contributors?.length && song.displayComposer) add('composer', song.displayComposer);
  }
  for (const label of album.recordLabels ?? []) add('label', label.name);
  return [...roles].map(([role, names]) => [role, [...names]]);
}

function Facts({ album, songs }: { album: Album; songs: readonly Song[] }): JSX.Element {
  const genres = album.genres?.map((genre) => genre.name) ?? (album.genre ? [album.genre] : []);
  const first = album.originalReleaseDate?.year;
  const year = first && album.year && first !== album.year ? `${first} (this edition ${album.year})` : (first ?? album.year);
  return (
    <p class="facts">
      {year ? <span>{year}</span> : null}
      {genres.map((genre) => (
        <a key={genre} href={paths.genre(genre)}>
          {genre}
        </a>
      ))}
      <span>{count(songs.length, 'song')}</span>
      <span>{span(totalSeconds(songs))}</span>
      {songs[0] && <span>{quality(songs[0])}</span>}
    </p>
  );
}

function Credits({ album, songs }: { album: Album; songs: readonly Song[] }): JSX.Element | null {
  const credits = creditsOf(album, songs);
  if (credits.length === 0) return null;
  return (
    <section class="credits">
      <h2>Credits</h2>
      <dl>
        {credits.map(([role, names]) => (
          <div key={role}>
            <dt>{role}</dt>
            <dd>{names.join(', ')}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Body({ album }: { album: Album }): JSX.Element {
  const songs = album.song ?? [];
  const discs = discsOf(songs);
  const titles = new Map(album.discTitles?.map(({ disc, title }) => [disc, title]));
  const more = (): { name: string; run: () => void }[] => [
    { name: 'Play next', run: () => addNext(songs) },
    { name: 'Add to queue', run: () => addLast(songs) },
    { name: 'Add to playlist…', run: () => choosePlaylist(songs) },
  ];
  return (
    <article class="album">
      <Tint art={album.coverArt} name={album.name} />
      <div class="album-cover">
        <Art id={album.coverArt} size={600} name={album.name} eager />
      </div>
      <div class="album-body">
        <p class="overline">{album.isCompilation ? 'Compilation' : (album.releaseTypes?.[0] ?? 'Album')}</p>
        <Heading>{album.name}</Heading>
        <p class="by">
          <ArtistLinks of={album} />
        </p>
        <Facts album={album} songs={songs} />
        <div class="actions">
          <Button kind="strong" icon="play" onClick={() => playSongs(songs)}>
            Play
          </Button>
          <Button icon="shuffle" onClick={() => shuffleSongs(songs)}>
            Shuffle
          </Button>
          <StarButton thing={album} name={album.name} />
          <Menu label={`More for ${album.name}`} actions={more} />
        </div>
        {songs.length === 0 && <Empty title="This album has no songs any more" />}
        {discs.map(([disc, part]) => (
          <section key={disc}>
            {discs.length > 1 && (
              <h2 class="disc">
                Disc {disc}
                {titles.get(disc) && <span> {titles.get(disc)}</span>}
              </h2>
            )}
            <Songs songs={part} all={songs} albumArtist={artistOf(album)} numbered />
          </section>
        ))}
        <Credits album={album} songs={songs} />
      </div>
    </article>
  );
}

export function AlbumView({ id }: { id: string }): JSX.Element {
  const key = `album:${id}`;
  const album = useRead(key, () => rest<Album>('getAlbum', 'album', { id }));
  return (
    <Answer of={album} name={key} waiting={<Waiting />}>
      {(found) => <Body album={found} />}
    </Answer>
  );
}
