// SPDX-License-Identifier: GPL-3.0-or-later
import type { JSX } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { rest } from '../data/objects';
import { Art, ArtistLinks, Empty, Heading, StarButton } from '../parts/basics';
import { SongRow } from '../parts/songs';
import { Tint } from '../parts/tint';
import * as lyrics from '../model/lyrics';
import type { Lyrics, Song } from '../model/types';
import { quality } from '../model/words';
import { current, playEntry, positionS, queue, seek } from '../state/playing';
import { useRead } from '../state/reads';
import { paths } from '../state/route';

const loadLyrics = (id: string) => async (): Promise<Lyrics[]> =>
  (await rest<{ structuredLyrics?: Lyrics[] }>('getLyricsBySongId', 'lyricsList', { id })).structuredLyrics ?? [];

function Verses({ verses, isSynced, lang }: { verses: lyrics.Verse[]; isSynced: boolean; lang: string }): JSX.Element {
  const list = useRef<HTMLOListElement>(null);
  const at = isSynced ? lyrics.lineAt(verses, positionS.value * 1000) : -1;
  useEffect(() => {
    const line = list.current?.children[Math.max(at, 0)] as HTMLElement | undefined;
    const box = list.current;
    if (!line || !box || !isSynced) return;
    const isCalm = matchMedia('(prefers-reduced-motion: reduce)').matches;
    box.scrollTo({ top: line.offsetTop - box.clientHeight * 0.38, behavior: isCalm ? 'auto' : 'smooth' });
  }, [at, isSynced]);
  return (
    <ol class={`lyrics ${isSynced ? 'synced' : ''}`} ref={list} lang={lang} tabIndex={0} aria-label="Lyrics">
      {verses.map((verse, i) => (
        <li key={i} class={i === at ? 'sung' : i < at ? 'past' : ''} {...(i === at && { 'aria-current': 'true' as const })}>
          {isSynced && verse.text ? (
            <button type="button" data-row onClick={() => seek(verse.startMs / 1000)}>
              {verse.text}
            </button>
          ) : (
            verse.text || '\u00a0'
          )}
        </li>
      ))}
    </ol>
  );
}

function UpNext(): JSX.Element {
  const { entries, at } = queue.value;
  const next = entries.slice(at + 1, at + 9);
  return (
    <section class="up-next">
      <h2>To come</h2>
      {next.length === 0 ? (
        <p class="muted">This is the last song in the queue.</p>
      ) : (
        <ol class="songs">
          {next.map(({ key, song }, i) => (
            <SongRow
              key={key}
              song={song}
              number={at + i + 2}
              isCurrent={false}
              onPlay={() => playEntry(key)}
              withArtist
            />
          ))}
        </ol>
      )}
    </section>
  );
}

function Side({ song }: { song: Song }): JSX.Element {
  const all = useRead(`lyrics:${song.id}`, loadLyrics(song.id)).value;
  const chosen = useMemo(() => lyrics.choose(all ?? []), [all]);
  const verses = useMemo(() => (chosen ? lyrics.verses(chosen) : []), [chosen]);
  if (!chosen) return <UpNext />;
  return <Verses verses={verses} isSynced={chosen.synced ?? false} lang={(chosen.lang ?? '').replace('xxx', '')} />;
}

export function NowView(): JSX.Element {
  const song = current.value?.song;
  if (!song) {
    return (
      <>
        <Heading>Now playing</Heading>
        <Empty title="Silence">
          <p>
            Choose something to play. <a href="/albums">Look at the albums</a>
          </p>
        </Empty>
      </>
    );
  }
  return (
    <div class="now">
      <Tint art={song.coverArt} name={song.album ?? song.title} />
      <div class="now-song">
        <Art id={song.coverArt} size={600} name={song.album ?? song.title} eager key={song.coverArt ?? song.album} />
        <div class="now-words">
          <Heading>{song.title}</Heading>
          <p class="by">
            <ArtistLinks of={song} />
          </p>
          <p class="facts">
            {song.album && song.albumId && <a href={paths.album(song.albumId)}>{song.album}</a>}
            {song.year && <span>{song.year}</span>}
            <span>{quality(song)}</span>
            <StarButton thing={song} name={song.title} />
          </p>
        </div>
      </div>
      <div class="now-side">
        <Side song={song} key={song.id} />
      </div>
    </div>
  );
}
