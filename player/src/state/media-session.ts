// SPDX-License-Identifier: GPL-3.0-or-later
// media-session: the system's media keys, lock screen and headphones.
import { effect } from '@preact/signals';
import { artAddress } from '../data/objects';
import { artistOf } from '../model/types';
import { current, durationS, isPlaying, next, pause, positionS, previous, seek, skip, toggle } from './playing';

export function startMediaSession(): void {
  const session = navigator.mediaSession as MediaSession | undefined;
  if (!session) return;
  const on = (action: MediaSessionAction, handler: MediaSessionActionHandler): void => {
    try {
      session.setActionHandler(action, handler);
    } catch {
      // an action that this browser does not know
    }
  };
  on('play', () => void (isPlaying.value || toggle()));
  on('pause', () => pause());
  on('stop', () => pause());
  on('nexttrack', next);
  on('previoustrack', previous);
  on('seekbackward', (details) => skip(-(details.seekOffset ?? 10)));
  on('seekforward', (details) => skip(details.seekOffset ?? 10));
  on('seekto', (details) => seek(details.seekTime ?? 0));

  effect(() => {
    const song = current.value?.song;
    if (!song) return void (session.metadata = null);
    const art = song.coverArt;
    session.metadata = new MediaMetadata({
      title: song.title,
      artist: artistOf(song),
      album: song.album ?? '',
      artwork: art ? ([128, 300, 600] as const).map((size) => ({
        src: new URL(artAddress(art, size), location.origin).href,
        sizes: `${size}x${size}`,
        type: 'image/webp',
      })) : [],
    });
  });
  effect(() => {
    session.playbackState = isPlaying.value ? 'playing' : current.value ? 'paused' : 'none';
  });
  let told = -1;
  effect(() => {
    const duration = durationS.value;
    const position = Math.min(positionS.value, duration);
    if (!(duration > 0) || Math.abs(position - told) < 0.9) return;
    told = position;
    session.setPositionState?.({ duration, position, playbackRate: 1 });
  });
}
