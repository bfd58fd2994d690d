// SPDX-License-Identifier: GPL-3.0-or-later
// media-session: the system's media keys, lock screen and headphones.
import { effect } from '@preact/signals';
import { artAddress } from '../data/objects';
import { artistOf } from '../model/types';
import { current, durationS, isPlaying, next, pause, positionS, previous, seek, skip, toggle } from './playing';

/**
 * Browsers give media keys to pages with a media element that plays; sound of an AudioContext does not count.
 * So a silent element plays along.
 */
function silence(): HTMLAudioElement {
  const frames = 8000 * 6;
  const bytes = new Uint8Array(44 + frames).fill(128, 44);
  const view = new DataView(bytes.buffer);
  const put = (at: number, text: string): void => bytes.set([...text].map((c) => c.charCodeAt(0)), at);
  put(0, 'RIFF');
  view.setUint32(4, 36 + frames, true);
  put(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, 8000, true);
  view.setUint32(28, 8000, true);
  view.setUint16(32, 1, true);
  view.setUint16(34, 8, true);
  put(36, 'data');
  view.setUint32(40, frames, true);
  const audio = new Audio(URL.createObjectURL(new Blob([bytes], { type: 'audio/wav' })));
  audio.loop = true;
  return audio;
}

export function startMediaSession(): void {
  const session = navigator.mediaSession as MediaSession | undefined;
  if (!session) return;
  const anchor = silence();
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
    if (isPlaying.value) void anchor.play().catch(() => undefined);
    else anchor.pause();
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
