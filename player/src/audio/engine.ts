// SPDX-License-Identifier: GPL-3.0-or-later
// engine: plays what the queue says, on the stage that suits each track.  What is playing keeps playing: a network error
// is waited out, never skipped over; only a track that cannot be played at all (gone, or undecodable) is passed by.
import { batch, signal } from '@preact/signals';
import { gainFactor, type GainMode } from '../model/gain';
import type { Song } from '../model/types';
import { Throughput } from '../model/adapt';
import type { ElementStage } from './element';
import { SegmentStage } from './segments';
import { hasMediaSource, playableType } from './sink';
import type { Item, Stage, StageListener } from './stage';
import { Supply, type Net } from './supply';

export interface EngineOwner {
  follow(key: number): Item | null;
  onNow(key: number): void;
  onPosition(key: number, seconds: number): void;
  onEndOfQueue(): void;
  onFailed(item: Item, error: unknown): void;
}

/** How tracks are played: 'gapless' from segments wherever possible, or always the file itself. */
export type Way = 'gapless' | 'plain';

const MOST_SUPPLIES = 6;
const MOST_UNFIT = 500;

export class Engine implements StageListener {
  readonly now = signal<Item | null>(null);
  readonly positionS = signal(0);
  readonly durationS = signal(0);
  readonly heldS = signal(0); // how far this track is safe here, whatever happens to the server
  readonly isPlaying = signal(false);
  readonly isStalled = signal(false);

  /** Everything sounds through this one, so that a permission to play, once given, holds. */
  readonly audio = new Audio();
  readonly throughput = new Throughput();
  private readonly supplies = new Map<string, Supply>();
  private readonly unfit = new Set<string>(); // tracks that have no segments we can play
  private readonly segments: SegmentStage;
  private element: ElementStage | null = null; // few need it
  private stage: Stage | null = null;
  private volume = 1;
  private gainMode: GainMode = 'album';
  private way: Way = 'gapless';
  private failures = 0;

  constructor(
    private readonly owner: EngineOwner,
    private readonly net: Net,
    private readonly fetchElement: () => Promise<typeof ElementStage>,
  ) {
    const needs = { supply: (track: string) => this.supplyOf(track), throughput: this.throughput, isSparing, onSlow: () => net.onSlow?.() };
    this.segments = new SegmentStage(this.audio, needs, this);
    if (!hasMediaSource()) void this.getElement();
  }

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
    if (!stage) return void this.startLater(item);
    stage.setVolume(this.volume);
    stage.start(item, fromS, true);
  }

  private async startLater(item: Item): Promise<void> {
    this.onStall(true);
    await this.getElement();
    if (!this.stage && this.isPlaying.value && this.now.value?.key === item.key) this.start(item, this.positionS.value);
  }

  private async getElement(): Promise<void> {
    const made = await this.fetchElement();
    this.element ??= new made(this.audio, this);
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
      this.heldS.value = Math.max(this.stage?.heldToS() ?? 0, seconds);
    });
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

  onPaused(): void {
    this.isPlaying.value = false;
    this.isStalled.value = false;
  }

  onUnfit(item: Item, seconds: number): void {
    if (this.unfit.size >= MOST_UNFIT) this.unfit.clear();
    this.unfit.add(item.song.id);
    if (this.now.value?.key !== item.key) return;
    const wasPlaying = this.isPlaying.value;
    this.start(item, seconds);
    if (!wasPlaying) this.pause();
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

  /** Null: it is still to be fetched. */
  private stageFor(song: Song): Stage | null {
    const isGapless = this.way === 'gapless' && hasMediaSource() && !this.unfit.has(song.id);
    return isGapless ? this.segments : this.element;
  }

  /** A track's pieces and manifest stay known for a while: the same track may come again, or be sought in. */
  private supplyOf(track: string): Supply {
    const found = this.supplies.get(track) ?? new Supply(track, this.net, (type) => playableType(type) !== null);
    this.supplies.delete(track);
    this.supplies.set(track, found);
    for (const old of this.supplies.keys()) if (this.supplies.size > MOST_SUPPLIES) this.supplies.delete(old);
    return found;
  }
}

/** On a line that is paid by the byte less is fetched ahead. */
function isSparing(): boolean {
  const { connection } = navigator as { connection?: { saveData?: boolean; type?: string } };
  return connection?.saveData === true || connection?.type === 'cellular';
}
