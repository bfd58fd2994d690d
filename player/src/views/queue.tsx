// SPDX-License-Identifier: GPL-3.0-or-later
import type { JSX } from 'preact';
import { Button, Empty, Heading, IconButton } from '../parts/basics';
import { askPlaylistName } from '../parts/choose-playlist';
import { Grip, Sortable } from '../parts/sortable';
import { SongRow } from '../parts/songs';
import { totalSeconds } from '../model/queue';
import { count, span } from '../model/words';
import { clearAll, clearRest, moveEntry, playEntry, queue, removeEntry, shuffleRest, toggle } from '../state/playing';

/** Long queues show a window around what plays; the rest is counted. */
const BEFORE = 30;
const AFTER = 200;

export function QueueRows(): JSX.Element {
  const { entries, at } = queue.value;
  const from = Math.max(0, at - BEFORE);
  const shown = entries.slice(from, at + AFTER);
  const move = (index: number, to: number): void => {
    const entry = entries[index];
    if (entry) moveEntry(entry.key, to);
  };
  return (
    <>
      {from > 0 && <p class="muted">{count(from, 'song')} before</p>}
      <Sortable class="sortable" onMove={move}>
        <ol class="songs" start={from + 1}>
          {shown.map(({ key, song }, i) => (
            <SongRow
              key={key}
              song={song}
              index={from + i}
              number={from + i + 1}
              isCurrent={from + i === at}
              isPast={from + i < at}
              onPlay={() => (from + i === at ? toggle() : playEntry(key))}
              withArt
              withArtist
              tools={
                <>
                  <Grip name={song.title} index={from + i} count={entries.length} onMove={(to) => moveEntry(key, to)} />
                  <IconButton icon="close" label={`Remove ${song.title} from the queue`} onClick={() => removeEntry(key)} />
                </>
              }
            />
          ))}
        </ol>
      </Sortable>
      {at + AFTER < entries.length && <p class="muted">{count(entries.length - at - AFTER, 'song')} after</p>}
    </>
  );
}

export function QueueView(): JSX.Element {
  const { entries, at } = queue.value;
  const rest = entries.slice(at + 1).map((entry) => entry.song);
  return (
    <>
      <Heading
        small={
          rest.length > 0 ? (
            <span class="muted">
              {count(rest.length, 'song')} to come, {span(totalSeconds(rest))}
            </span>
          ) : null
        }
      >
        Queue
      </Heading>
      {entries.length === 0 ? (
        <Empty title="Nothing in the queue">
          <p>
            Play an album, or add songs by their menu. <a href="/albums">Look at the albums</a>
          </p>
        </Empty>
      ) : (
        <>
          <div class="actions">
            <Button icon="shuffle" disabled={rest.length < 2} onClick={shuffleRest}>
              Shuffle what follows
            </Button>
            <Button icon="list" onClick={() => askPlaylistName(entries.map((entry) => entry.song))}>
              Save as playlist
            </Button>
            <Button disabled={rest.length === 0} onClick={clearRest}>
              Keep only this song
            </Button>
            <Button onClick={clearAll}>Clear</Button>
          </div>
          <QueueRows />
        </>
      )}
    </>
  );
}
