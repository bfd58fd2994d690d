// SPDX-License-Identifier: GPL-3.0-or-later
// element: the plain stage: the original file on the <audio>.  For browsers without media sources, for tracks that have no
// segments, and for who wants the file's own bytes.  Gaps between tracks are the browser's.
import { Backoff, pause } from '../data/backoff';
import { originalAddress, probeOriginal, transcoded } from '../data/objects';
import { Problem } from '../data/problem';
import { renewGrant } from '../data/session';
import type { Item, Stage, StageListener } from './stage';

export class ElementStage implements Stage {
  private item: Item | null = null;
  private isWanted = false;
  private isTranscoded = false;
  private blob = '';
  private readonly backoff = new Backoff(500, 10_000);
  private run = new AbortController();
  private volume = 1;

  constructor(
    private readonly audio: HTMLAudioElement,
    private readonly listener: StageListener,
  ) {
    audio.preload = 'auto';
    const on = (event: string, then: () => void): void => audio.addEventListener(event, () => this.item && then());
    on('timeupdate', () => this.tell());
    on('waiting', () => this.isWanted && listener.onStall(true));
    on('playing', () => {
      this.backoff.reset();
      listener.onStall(false);
    });
    on('ended', () => this.item && listener.onEnd(this.item.key));
    on('error', () => void this.recover());
  }

  start(item: Item, fromS: number, isPlaying: boolean): void {
    this.stop();
    this.item = item;
    this.isWanted = isPlaying;
    this.isTranscoded = false;
    this.run = new AbortController();
    this.listener.onStall(isPlaying);
    this.load(originalAddress(item.song.id), fromS);
  }

  play(): void {
    this.isWanted = true;
    void this.audio.play().catch(() => undefined);
  }

  pause(): void {
    this.isWanted = false;
    this.audio.pause();
  }

  stop(): void {
    if (!this.item) return;
    this.run.abort();
    this.item = null;
    this.audio.pause();
    this.audio.removeAttribute('src');
    this.audio.load();
    if (this.blob) URL.revokeObjectURL(this.blob);
    this.blob = '';
  }

  refresh(): void {
    if (this.item) this.setVolume(this.volume);
  }

  setVolume(factor: number): void {
    this.volume = factor;
    const gain = this.item ? this.listener.gainOf(this.item.song) : 1;
    this.audio.volume = Math.min(1, factor * gain);
  }

  heldToS(): number {
    const { buffered, currentTime } = this.audio;
    for (let i = 0; i < buffered.length; i++) {
      if (buffered.start(i) <= currentTime && currentTime <= buffered.end(i)) return buffered.end(i);
    }
    return currentTime;
  }

  private load(address: string, fromS: number): void {
    this.audio.src = address;
    this.audio.currentTime = fromS;
    this.setVolume(this.volume);
    if (this.isWanted) this.play();
  }

  private tell(): void {
    if (!this.item || this.audio.readyState === 0) return;
    const duration = Number.isFinite(this.audio.duration) ? this.audio.duration : (this.item.song.duration ?? 0);
    this.listener.onPosition(this.item.key, this.audio.currentTime, duration);
  }

  /** A broken line is tried again at the same place; what cannot be decoded comes in another form. */
  private async recover(): Promise<void> {
    const { item, run } = this;
    const code = this.audio.error?.code;
    if (!item || !code) return;
    const at = this.audio.currentTime;
    const isFormat = code === MediaError.MEDIA_ERR_DECODE || code === MediaError.MEDIA_ERR_SRC_NOT_SUPPORTED;
    this.listener.onStall(this.isWanted);
    try {
      if (!isFormat || (await this.isServerAway(item))) {
        await pause(this.backoff.nextMs(), run.signal);
        if (!run.signal.aborted) this.load(this.blob || originalAddress(item.song.id), at);
      } else if (this.isTranscoded) {
        this.listener.onFailed(item.key, new Problem('refused', 'This browser cannot play the file.'));
      } else {
        this.isTranscoded = true;
        this.blob = URL.createObjectURL(new Blob([await transcoded(item.song.id)]));
        if (!run.signal.aborted) this.load(this.blob, at);
      }
    } catch (error) {
      if (!run.signal.aborted) this.listener.onFailed(item.key, error);
    }
  }

  /** The element says "not supported" for every refused request too: ask the server before believing it. */
  private async isServerAway({ song }: Item): Promise<boolean> {
    try {
      const response = await probeOriginal(song.id, this.run.signal);
      response.body?.cancel().catch(() => undefined);
      if (response.status === 401 || response.status === 403) await renewGrant();
      return !response.ok;
    } catch {
      return true;
    }
  }
}
