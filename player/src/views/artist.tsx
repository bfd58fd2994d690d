// SPDX-License-Identifier: GPL-3.0-or-later
import type { JSX } from 'preact';
import { rest } from '../data/objects';
import { explain } from '../data/problem';
import { AlbumCard } from '../parts/albums';
import { Answer, Art, Button, Empty, Heading, StarButton, WaitingGrid } from '../parts/basics';
import { Songs } from '../parts/songs';
import type { Album, Artist, Song } from '../model/types';
import { count } from '../model/words';
import { say } from '../state/notices';
import { playSongs, shuffleSongs } from '../state/playing';
import { useRead } from '../state/reads';

const yearOf = (album: Album): number => album.originalReleaseDate?.year ?? album.year ?? 0;

/** Everything by this artist, album after album in order of release. */
async function songsOf(albums: readonly Album[]): Promise<Song[]> {
  const ordered = [...albums].sort((a, b) => yearOf(a) - yearOf(b));
  const whole = await Promise.all(ordered.slice(0, 60).map((one) => rest<Album>('getAlbum', 'album', { id: one.id })));
  return whole.flatMap((album) => album.song ?? []);
}

function Actions({ artist }: { artist: Artist }): JSX.Element {
  const play = (how: (songs: Song[]) => void): void => {
    songsOf(artist.album ?? []).then(how, (error: unknown) => say(explain(error), true));
  };
  return (
    <div class="actions">
      <Button kind="strong" icon="play" onClick={() => play((songs) => playSongs(songs))}>
        Play
      </Button>
      <Button icon="shuffle" onClick={() => play(shuffleSongs)}>
        Shuffle
      </Button>
      <StarButton thing={artist} name={artist.name} />
    </div>
  );
}

function TopSongs({ name }: { name: string }): JSX.Element | null {
  const load = async (): Promise<Song[]> =>
    (await rest<{ song?: Song[] }>('getTopSongs', 'topSongs', { artist: name, count: 5 })).song ?? [];
  const top = useRead(`top:${name}`, load).value ?? [];
  if (top.length === 0) return null;
  return (
    <section>
      <h2>Most played</h2>
      <Songs songs={top} withArt />
    </section>
  );
}

export function ArtistView({ id }: { id: string }): JSX.Element {
  const key = `artist:${id}`;
  const artist = useRead(key, () => rest<Artist>('getArtist', 'artist', { id }));
  return (
    <Answer of={artist} name={key} waiting={<WaitingGrid n={6} />}>
      {(found) => (
        <div class="artist">
          <div class="artist-head">
            <Art id={found.coverArt ?? found.album?.[0]?.coverArt} size={300} name={found.name} eager />
            <div>
              <p class="overline">{count(found.album?.length ?? 0, 'album')}</p>
              <Heading>{found.name}</Heading>
              <Actions artist={found} />
            </div>
          </div>
          <TopSongs name={found.name} />
          <h2>Albums</h2>
          {found.album?.length ? (
            <div class="grid">
              {[...found.album].sort((a, b) => yearOf(b) - yearOf(a)).map((album) => (
                <AlbumCard key={album.id} album={album} withYear />
              ))}
            </div>
          ) : (
            <Empty title="No albums of their own">
              <p>This artist appears on albums of others. Search finds the songs.</p>
            </Empty>
          )}
        </div>
      )}
    </Answer>
  );
}
