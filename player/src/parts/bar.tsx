// SPDX-License-Identifier: GPL-3.0-or-later
// bar: what plays, at the foot of every view.
import type { JSX } from 'preact';
import { current, cycleRepeat, isPlaying, isStalled, next, previous, queue, setVolume, toggle, toggleMute } from '../state/playing';
import { go, paths, route } from '../state/route';
import { settings } from '../state/settings';
import { Art, ArtistLinks, IconButton, StarButton } from './basics';
import { Icon } from './icon';
import { PedalLine } from './pedal-line';

export function PlayButton(): JSX.Element {
  const label = isPlaying.value ? 'Pause' : 'Play';
  return (
    <button
      type="button"
      class={`play-button ${isStalled.value ? 'stalled' : ''}`}
      aria-label={label}
      title={`${label} (space)`}
      aria-keyshortcuts="Space"
      disabled={!current.value}
      onClick={toggle}
    >
      <Icon name={isPlaying.value ? 'pause' : 'play'} />
    </button>
  );
}

export function Transport(): JSX.Element {
  const { repeat } = queue.value;
  return (
    <div class="transport">
      <IconButton icon="previous" label="Previous" shortcut="p" onClick={previous} disabled={!current.value} />
      <PlayButton />
      <IconButton icon="next" label="Next" shortcut="n" onClick={next} disabled={!current.value} />
      <span class={`repeat-${repeat}`}>
        <IconButton
          icon="repeat"
          label={`Repeat: ${{ off: 'off', all: 'the queue', one: 'this song' }[repeat]}`}
          shortcut="r"
          onClick={cycleRepeat}
        />
      </span>
    </div>
  );
}

function Volume(): JSX.Element {
  const { volume, isMuted } = settings.value;
  return (
    <div class="volume">
      <IconButton
        icon={isMuted ? 'muted' : 'volume'}
        label="Mute"
        shortcut="m"
        isOn={isMuted}
        onClick={toggleMute}
      />
      <input
        type="range"
        min={0}
        max={100}
        value={isMuted ? 0 : Math.round(volume * 100)}
        style={{ '--share': `${isMuted ? 0 : volume * 100}%` }}
        aria-label="Volume"
        onInput={(event) => setVolume(event.currentTarget.valueAsNumber / 100)}
      />
    </div>
  );
}

export function Bar(): JSX.Element | null {
  const entry = current.value;
  if (!entry) return null;
  const { song } = entry;
  const isNow = route.value.view === 'now';
  return (
    <section class="bar" aria-label="Player">
      <PedalLine />
      <div class="bar-row">
        <div class="bar-song">
          <a href="/now" class="bar-art" aria-label="Now playing">
            <Art id={song.coverArt} size={128} name={song.album ?? ''} eager />
          </a>
          <div class="bar-words">
            {song.albumId ? <a href={paths.album(song.albumId)}>{song.title}</a> : <span>{song.title}</span>}
            <span class="bar-artist">
              <ArtistLinks of={song} />
            </span>
          </div>
          <StarButton thing={song} name={song.title} />
        </div>
        <Transport />
        <div class="bar-tools">
          <IconButton icon="lyrics" label="Now playing and lyrics" shortcut="v" isOn={isNow} onClick={() => go(isNow ? '/' : '/now')} />
          <IconButton icon="queue" label="Queue" shortcut="q" isOn={route.value.view === 'queue'} onClick={() => go('/queue')} />
          <Volume />
        </div>
      </div>
    </section>
  );
}
