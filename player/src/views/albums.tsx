// SPDX-License-Identifier: GPL-3.0-or-later
import type { JSX } from 'preact';
import { rest } from '../data/objects';
import { AlbumGrid, Pages } from '../parts/album-grid';
import { Choice, Heading } from '../parts/basics';
import type { Album } from '../model/types';
import { useRead } from '../state/reads';
import { go, route } from '../state/route';
import { loadGenres } from './genres';

const SORTS = [
  ['alphabeticalByName', 'Title'],
  ['alphabeticalByArtist', 'Artist'],
  ['newest', 'Recently added'],
  ['recent', 'Lately played'],
  ['frequent', 'Most played'],
  ['highest', 'Best rated'],
  ['starred', 'Starred'],
  ['byYear', 'Year'],
  ['random', 'At random'],
] as const;

interface Wish {
  sort: string;
  genre: string;
  decade: string; // '1990'
}

const inDecade = (album: Album, decade: string): boolean =>
  Math.floor((album.originalReleaseDate?.year ?? album.year ?? 0) / 10) * 10 === Number(decade);

/** The server filters by one thing; the second, if any, is filtered here while paging. */
function pagesFor({ sort, genre, decade }: Wish): Pages<Album> {
  const load = async (offset: number, size: number): Promise<Album[]> => {
    const parameters = genre
      ? { type: 'byGenre', genre }
      : decade
        ? { type: 'byYear', fromYear: Number(decade), toYear: Number(decade) + 9 }
        : sort === 'byYear'
          ? { type: 'byYear', fromYear: 9999, toYear: 0 }
          : { type: sort };
    const answer = await rest<{ album?: Album[] }>('getAlbumList2', 'albumList2', { ...parameters, size, offset });
    return answer.album ?? [];
  };
  const keep = (album: Album): boolean => !genre || !decade || inDecade(album, decade);
  return new Pages(load, keep);
}

export function AlbumsView(): JSX.Element {
  const { search } = route.value;
  const wish: Wish = {
    sort: search.get('sort') ?? 'alphabeticalByName',
    genre: search.get('genre') ?? '',
    decade: search.get('decade') ?? '',
  };
  const genres = useRead('genres', loadGenres).value ?? [];
  const names = [...new Set([...(wish.genre ? [wish.genre] : []), ...genres.map((genre) => genre.value)])].sort();
  const wishFor = (part: Partial<Wish>): void => {
    const next = new URLSearchParams();
    for (const [name, value] of Object.entries({ ...wish, ...part })) if (value) next.set(name, value);
    go(`/albums?${next.toString()}`, true);
  };
  const thisDecade = Math.floor(new Date().getFullYear() / 10) * 10;
  const decades = Array.from({ length: 11 }, (_, i) => String(thisDecade - i * 10));
  const isFiltered = wish.genre !== '' || wish.decade !== '';
  return (
    <>
      <Heading
        small={
          <div class="filters">
            {!isFiltered && <Choice label="Order" value={wish.sort} options={SORTS} onChange={(sort) => wishFor({ sort })} />}
            <Choice
              label="Genre"
              value={wish.genre}
              options={[['', 'All'], ...names.map((name) => [name, name] as const)]}
              onChange={(genre) => wishFor({ genre })}
            />
            <Choice
              label="Years"
              value={wish.decade}
              options={[['', 'All'], ...decades.map((year) => [year, `${year}s`] as const)]}
              onChange={(decade) => wishFor({ decade })}
            />
          </div>
        }
      >
        {wish.genre || 'Albums'}
      </Heading>
      <AlbumGrid
        name={JSON.stringify(wish)}
        pages={() => pagesFor(wish)}
        withYear={wish.sort === 'byYear'}
        none={isFiltered ? 'No album is like that' : 'No albums here'}
      />
    </>
  );
}
