// SPDX-License-Identifier: GPL-3.0-or-later
import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { rest } from '../data/objects';
import { explain } from '../data/problem';
import { AlbumCard, Shelf } from '../parts/albums';
import { Art, Empty, Heading } from '../parts/basics';
import { queryOf } from '../parts/search-field';
import { Songs } from '../parts/songs';
import type { Album, Artist, Song } from '../model/types';
import { count } from '../model/words';
import { paths } from '../state/route';

interface Found {
  artist?: Artist[];
  album?: Album[];
  song?: Song[];
}

const WAIT_MS = 90;
const found = signal<{ query: string; result: Found } | null>(null);
const failure = signal('');

let asking: AbortController | null = null;
let timer: ReturnType<typeof setTimeout> | null = null;

/** Asks a moment after the last key; an older answer never replaces a newer one. */
function ask(query: string): void {
  if (timer) clearTimeout(timer);
  asking?.abort();
  if (!query) return void (found.value = null);
  timer = setTimeout(() => {
    const mine = new AbortController();
    asking = mine;
    const counts = { artistCount: 8, albumCount: 14, songCount: 40 };
    rest<Found>('search3', 'searchResult3', { query, ...counts }, mine.signal).then(
      (result) => {
        if (mine.signal.aborted) return;
        found.value = { query, result };
        failure.value = '';
      },
      (error: unknown) => {
        if (!mine.signal.aborted) failure.value = explain(error);
      },
    );
  }, WAIT_MS);
}

function Artists({ artists }: { artists: readonly Artist[] }): JSX.Element | null {
  if (artists.length === 0) return null;
  return (
    <section class="shelf" aria-label="Artists">
      <div class="shelf-head">
        <h2>Artists</h2>
      </div>
      <ul class="faces">
        {artists.map((artist) => (
          <li key={artist.id}>
            <a data-row href={paths.artist(artist.id)}>
              <Art id={artist.coverArt} size={64} name={artist.name} />
              <span>{artist.name}</span>
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Results({ query, result }: { query: string; result: Found }): JSX.Element {
  const { artist = [], album = [], song = [] } = result;
  const total = artist.length + album.length + song.length;
  return (
    <>
      <p class="hidden" role="status">
        {count(total, 'result')} for {query}
      </p>
      {total === 0 && (
        <Empty title={`Nothing for “${query}”`}>
          <p>Fewer letters find more; small typing mistakes are forgiven.</p>
        </Empty>
      )}
      <Artists artists={artist} />
      {album.length > 0 && (
        <Shelf title="Albums">
          {album.map((one) => (
            <AlbumCard key={one.id} album={one} />
          ))}
        </Shelf>
      )}
      {song.length > 0 && (
        <section class="shelf" aria-label="Songs">
          <div class="shelf-head">
            <h2>Songs</h2>
          </div>
          <Songs songs={song} withArt />
        </section>
      )}
    </>
  );
}

export function SearchView(): JSX.Element {
  const query = queryOf().trim();
  useEffect(() => ask(query), [query]);
  const answer = found.value;
  return (
    <>
      <Heading>{query ? `“${query}”` : 'Search'}</Heading>
      {failure.value && <p class="form-error">{failure.value}</p>}
      {!query && (
        <Empty title="What shall it be?">
          <p>Artists, albums and songs, found while you type.</p>
        </Empty>
      )}
      {query && answer && <Results query={answer.query} result={answer.result} />}
    </>
  );
}
