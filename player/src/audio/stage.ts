// SPDX-License-Identifier: GPL-3.0-or-later
// stage: one way to make sound.  The engine chooses the stage for each track and hears from it through its listener.
import type { Song } from '../model/types';

export interface Item {
  key: number;
  song: Song;
}

export interface StageListener {
  /** What is heard now, and where; called several times a second while playing, and after every change. */
  onPosition(key: number, seconds: number, durationS: number): void;
  /** True: silence although we want sound (bytes are missing). */
  onStall(isStalled: boolean): void;
  /** The last track this stage could play ended. */
  onEnd(key: number): void;
  /** The sound was taken away from outside: as if pause had been pressed. */
  onPaused(): void;
  /** This stage cannot play this track; another may, from here on. */
  onUnfit(item: Item, seconds: number): void;
  /** This track cannot be played at all, and why. */
  onFailed(key: number, error: unknown): void;
  /** The track that would join this one without a gap. */
  follow(key: number): Item | null;
  gainOf(song: Song): number;
}

export interface Stage {
  start(item: Item, fromS: number, isPlaying: boolean): void;
  play(): void;
  pause(): void;
  stop(): void;
  /** What follows, or how loud a track is, has changed. */
  refresh(): void;
  setVolume(factor: number): void;
  /** Up to which second of the track that plays music is held here, whatever happens to the server. */
  heldToS(): number;
}
