// SPDX-License-Identifier: GPL-3.0-or-later
import type { JSX } from 'preact';
import { rest } from '../data/objects';
import { person } from '../data/session';
import { AlbumCard, Shelf } from '../parts/albums';
import { Art, ArtistLinks, Button, Empty, WaitingGrid } from '../parts/basics';
import { explain } from '../data/problem';
import type { Album } from '../model/types';
import { count, span } from '../model/words';
import { scan } from '../state/boot';
import { current, isPlaying, positionS, queue, toggle } from '../state/playing';
import { totalSeconds } from '../model/queue';
import { again, useRead } from '../state/reads';
import { paths } from '../state/route';

const SHELVES = [
  ['newest', 'Recently added', '/albums?sort=newest'],
  ['recent', 'Lately played', '/albums?sort=recent'],
  ['frequent', 'Most played', '/albums?sort=frequent'],
  ['starred', 'Starred', '/albums?sort=starred'],
  ['random', 'At random', ''],
] as const;

interface Lists {
  album?: Album[];
}

const loadShelf = (type: string) => async (): Promise<Album[]> =>
  (await rest<Lists>('getAlbumList2', 'albumList2', { type, size: 14 })).album ?? [];

function AlbumShelf({ type, title, href }: { type: string; title: string; href: string }): JSX.Element | null {
  const key = `home:${type}`;
  const { value, error, isLoading } = useRead(key, loadShelf(type));
  if (value?.length === 0) return null;
  return (
    <Shelf title={title} {...(href && { href })}>
      {value?.map((album) => <AlbumCard key={album.id} album={album} />)}
      {!value && isLoading && <WaitingGrid n={7} />}
      {!value && error && !isLoading && (
        <p class="muted">
          {explain(error)} <Button onClick={() => again(key)}>Try again</Button>
        </p>
      )}
    </Shelf>
  );
}

/** What stands on the piano: the piece that is held. */
function Stand(): JSX.Element | null {
  const entry = current.value;
  if (!entry) return null;
  const { song } = entry;
  const rest = queue.value.entries.slice(queue.value.at + 1);
  const isBegun = isPlaying.value || positionS.value > 0;
  return (
    <section class="stand" aria-label="On the stand">
      <a href="/now" tabIndex={-1} aria-hidden="true">
        <Art id={song.coverArt} size={300} name={song.album ?? ''} eager />
      </a>
      <div class="stand-words">
        <p class="overline">{isPlaying.value ? 'Sounding' : isBegun ? 'Held where you left it' : 'On the stand'}</p>
        <h2>{song.albumId ? <a href={paths.album(song.albumId)}>{song.title}</a> : song.title}</h2>
        <p class="stand-artist">
          <ArtistLinks of={song} />
        </p>
        <div class="actions">
          <Button kind="strong" icon={isPlaying.value ? 'pause' : 'play'} onClick={toggle}>
            {isPlaying.value ? 'Pause' : isBegun ? 'Resume' : 'Play'}
          </Button>
          {rest.length > 0 && (
            <a class="quiet" href="/queue">
              {count(rest.length, 'song')} to come, {span(totalSeconds(rest.map((one) => one.song)))}
            </a>
          )}
        </div>
      </div>
    </section>
  );
}

export function HomeView(): JSX.Element {
  const newest = useRead('home:newest', loadShelf('newest'));
  const isEmpty = newest.value?.length === 0;
  return (
    <div class="home">
      <h1 class="hidden" tabIndex={-1}>
        Home
      </h1>
      <Stand />
      {isEmpty ? (
        <Empty title="No music yet">
          {scan.value?.running ? (
            <p>The library is being read: {count(scan.value.seen, 'file')} so far. Albums appear here by themselves.</p>
          ) : (
            <p>
              Put some music into the folder that this server was started with
              {person.value?.isAdmin ? (
                <>
                  , then <a href="/settings">look at the scan report</a>
                </>
              ) : null}
              .
            </p>
          )}
        </Empty>
      ) : (
        SHELVES.map(([type, title, href]) => <AlbumShelf key={type} type={type} title={title} href={href} />)
      )}
    </div>
  );
}

