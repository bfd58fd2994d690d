// SPDX-License-Identifier: GPL-3.0-or-later
// engine: plays what the queue says, on the stage that suits each track.  What is playing keeps playing: a network error
// is waited out, never skipped over; only a track that cannot be played at all (gone, or undecodable) is passed by.
import { batch, signal } from '@preact/signals';
import { gainFactor, type GainMode } from '../model/gain';
import type { Song } from '../model/types';
import { ElementStage } from './element';
import { isCut } from './open';
import { Shelf } from './shelf';
import type { Item, Stage, StageListener } from './stage';
import { WebStage } from './web';

export interface EngineOwner {
  follow(key: number): Item | null;
  /** The next tracks in order, for fetching ahead. */
  upcoming(key: number, count: number): Item[];
  onNow(key: number): void;
  onPosition(key: number, seconds: number): void;
  onEndOfQueue(): void;
  onFailed(item: Item, error: unknown): void;
}

/** How tracks are played: 'gapless' wherever possible, or always through the plain element. */
export type Way = 'gapless' | 'plain';

const HOLD_TRACKS = 3; // the current one and two to come

export class Engine implements StageListener {
  readonly now = signal<Item | null>(null);
  readonly positionS = signal(0);
  readonly durationS = signal(0);
  readonly heldS = signal(0); // how far this track is safe here, whatever happens to the server
  readonly isPlaying = signal(false);
  readonly isStalled = signal(false);

  private readonly shelf = new Shelf();
  private readonly web = new WebStage(this.shelf, this);
  private readonly element = new ElementStage(this);
  private stage: Stage | null = null;
  private volume = 1;
  private gainMode: GainMode = 'album';
  private way: Way = isIos() ? 'plain' : 'gapless';
  private failures = 0;

  constructor(private readonly owner: EngineOwner) {}

  /** Shows a track at a place without touching the network; play() begins there. */
  load(item: Item | null, seconds: number): void {
    this.stage?.stop();
    this.stage = null;
    batch(() => {
      this.now.value = item;
      this.positionS.value = seconds;
      this.durationS.value = item?.song.duration ?? 0;
      this.heldS.value = 0;
      this.isPlaying.value = false;
      this.isStalled.value = false;
    });
    this.holdFiles();
  }

  start(item: Item, fromS = 0): void {
    const stage = this.stageFor(item.song);
    if (this.stage !== stage) this.stage?.stop();
    this.stage = stage;
    batch(() => {
      this.now.value = item;
      this.positionS.value = fromS;
      this.durationS.value = item.song.duration ?? 0;
      this.isPlaying.value = true;
    });
    stage.setVolume(this.volume);
    stage.start(item, fromS, true);
    this.holdFiles();
  }

  play(): void {
    const item = this.now.value;
    if (!item) return;
    if (!this.stage) return this.start(item, this.positionS.value);
    this.isPlaying.value = true;
    this.stage.play();
  }

  pause(): void {
    this.isPlaying.value = false;
    this.isStalled.value = false;
    this.stage?.pause();
  }

  seek(seconds: number): void {
    const item = this.now.value;
    if (!item) return;
    const to = Math.min(Math.max(seconds, 0), Math.max(this.durationS.value - 0.05, 0));
    this.positionS.value = to;
    if (this.stage) this.stage.start(item, to, this.isPlaying.value);
  }

  setVolume(factor: number): void {
    this.volume = factor;
    this.stage?.setVolume(factor);
  }

  setGainMode(mode: GainMode): void {
    this.gainMode = mode;
    this.stage?.refresh();
  }

  setWay(way: Way): void {
    if (way === this.way) return;
    const item = this.now.value;
    this.way = way;
    if (item && this.stage && this.isPlaying.value) this.start(item, this.positionS.value);
    else if (item) this.load(item, this.positionS.value);
  }

  /** The queue has changed. */
  refresh(): void {
    this.stage?.refresh();
    this.holdFiles();
  }

  // --- what the stages tell ---

  follow(key: number): Item | null {
    const next = this.owner.follow(key);
    return next && this.stageFor(next.song) === this.stage ? next : null;
  }

  gainOf(song: Song): number {
    return gainFactor(song.replayGain, this.gainMode);
  }

  onPosition(key: number, seconds: number, durationS: number): void {
    const isOther = this.now.value?.key !== key;
    if (isOther) this.owner.onNow(key);
    batch(() => {
      this.positionS.value = seconds;
      if (durationS > 0) this.durationS.value = durationS;
      this.heldS.value = this.held();
    });
    if (isOther) this.holdFiles();
    this.failures = 0;
    this.owner.onPosition(key, seconds);
  }

  /** The owner answers onNow() with this. */
  setNow(item: Item): void {
    this.now.value = item;
  }

  onStall(isStalled: boolean): void {
    this.isStalled.value = isStalled && this.isPlaying.value;
  }

  onEnd(key: number): void {
    const next = this.owner.follow(key);
    if (!next) {
      this.isPlaying.value = false;
      this.isStalled.value = false;
      return this.owner.onEndOfQueue();
    }
    this.owner.onNow(next.key);
    this.start(next);
  }

  onFailed(key: number, error: unknown): void {
    const item = this.now.value;
    if (!item || item.key !== key) return;
    this.owner.onFailed(item, error);
    const next = this.owner.follow(key);
    this.failures += 1;
    // Stop rather than run through a whole queue of broken tracks.
    if (!next || next.key === key || this.failures > 5) return this.load(item, 0);
    this.owner.onNow(next.key);
    this.start(next);
  }

  private stageFor(song: Song): Stage {
    const isShort = (song.duration ?? 0) <= longestWholeS();
    return this.way === 'gapless' && (isCut(song.suffix) || isShort) ? this.web : this.element;
  }

  private held(): number {
    const song = this.now.value?.song;
    const bytes = song && this.shelf.peek(song.id);
    if (!bytes || !bytes.knownSize) return this.positionS.value;
    const at = (this.positionS.value / Math.max(this.durationS.value, 1)) * bytes.knownSize;
    return Math.max((bytes.heldTo(Math.min(at, bytes.knownSize)) / bytes.knownSize) * this.durationS.value, 0);
  }

  private holdFiles(): void {
    const item = this.now.value;
    if (!item) return this.shelf.setOrder([]);
    if (!this.stage) return;
    const tracks = [item, ...this.owner.upcoming(item.key, HOLD_TRACKS - 1)];
    const held = tracks.filter(({ song }) => this.stageFor(song) === this.web);
    this.shelf.setOrder(held.map(({ song }) => song.id));
  }
}

/** Whole-decoded tracks take 10 MB a minute each, twice at a seam. */
function longestWholeS(): number {
  const memoryGb = (navigator as { deviceMemory?: number }).deviceMemory ?? 8;
  return memoryGb <= 4 ? 6 * 60 : 12 * 60;
}

/** iOS suspends an AudioContext in the background; a media element plays on. */
function isIos(): boolean {
  return /iP(hone|ad|od)/.test(navigator.userAgent) || (/Mac/.test(navigator.platform) && navigator.maxTouchPoints > 1);
}
