// SPDX-License-Identifier: GPL-3.0-or-later
import type { JSX } from 'preact';
import { rest } from '../data/objects';
import { Answer, Empty, Heading } from '../parts/basics';
import type { Genre } from '../model/types';
import { count } from '../model/words';
import { useRead } from '../state/reads';
import { paths } from '../state/route';

export const loadGenres = async (): Promise<Genre[]> =>
  (await rest<{ genre?: Genre[] }>('getGenres', 'genres', {})).genre ?? [];

export function GenresView(): JSX.Element {
  const genres = useRead('genres', loadGenres);
  return (
    <>
      <Heading>Genres</Heading>
      <Answer of={genres} name="genres">
        {(all) =>
          all.length === 0 ? (
            <Empty title="No genres">
              <p>Genres come from the tags in the files.</p>
            </Empty>
          ) : (
            <ul class="index">
              {[...all].sort((a, b) => a.value.localeCompare(b.value)).map((genre) => (
                <li key={genre.value}>
                  <a data-row href={paths.genre(genre.value)}>
                    {genre.value}
                  </a>
                  <span class="leader" aria-hidden="true" />
                  <span class="muted">{count(genre.albumCount, 'album')}</span>
                </li>
              ))}
            </ul>
          )
        }
      </Answer>
    </>
  );
}
