// SPDX-License-Identifier: GPL-3.0-or-later
import type { JSX } from 'preact';
import { rest } from '../data/objects';
import { Answer, Empty, Heading } from '../parts/basics';
import type { ArtistIndex } from '../model/types';
import { count } from '../model/words';
import { useRead } from '../state/reads';
import { paths } from '../state/route';

const load = async (): Promise<ArtistIndex[]> =>
  (await rest<{ index?: ArtistIndex[] }>('getArtists', 'artists', {})).index ?? [];

function Letters({ all }: { all: readonly ArtistIndex[] }): JSX.Element {
  return (
    <nav class="letters" aria-label="Letters">
      {all.map(({ name }) => (
        <a key={name} href={`#letter-${encodeURIComponent(name)}`}>
          {name}
        </a>
      ))}
    </nav>
  );
}

export function ArtistsView(): JSX.Element {
  const artists = useRead('artists', load);
  return (
    <>
      <Heading>Artists</Heading>
      <Answer of={artists} name="artists">
        {(all) =>
          all.length === 0 ? (
            <Empty title="No artists yet" />
          ) : (
            <>
              <Letters all={all} />
              {all.map(({ name, artist = [] }) => (
                <section class="letter" key={name} id={`letter-${encodeURIComponent(name)}`} aria-label={name}>
                  <h2>{name}</h2>
                  <ul class="index">
                    {artist.map((one) => (
                      <li key={one.id}>
                        <a data-row href={paths.artist(one.id)}>
                          {one.name}
                        </a>
                        <span class="leader" aria-hidden="true" />
                        <span class="muted">{count(one.albumCount ?? 0, 'album')}</span>
                      </li>
                    ))}
                  </ul>
                </section>
              ))}
            </>
          )
        }
      </Answer>
    </>
  );
}
