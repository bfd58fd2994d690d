// SPDX-License-Identifier: GPL-3.0-or-later
// web: the gapless stage.  Tracks are decoded ahead and laid on the clock of one AudioContext that runs at the tracks' own
// rate, so nothing is resampled and nothing lies between them (docs/decisions: player-playback).
import { transcoded } from '../data/objects';
import { pause } from '../data/backoff';
import { FileChanged, type Bytes } from './bytes';
import { Line } from './line';
import { openSource } from './open';
import { reel, type Opened } from './reel';
import type { Shelf } from './shelf';
import { decodeInBrowser, Undecodable, type Source } from './source';
import type { Item, Stage, StageListener } from './stage';

const AHEAD_S = 24; // decoded and laid ahead of what is heard
const TICK_MS = 100;
const FADE_S = 0.012; // against clicks when pausing
const DEAD_MS = 3000; // a clock that stands this long although it should run is dead

export class WebStage implements Stage {
  private context: AudioContext | null = null;
  private master: GainNode | null = null;
  private line: Line | null = null;
  private run = new AbortController();
  private readonly sources = new Map<number, Promise<Source>>();
  private readonly items = new Map<number, Item>();
  private reelKey = 0; // the track whose slabs were handed out last
  private isWanted = false; // sound is wanted
  private isWhole = false; // everything that this stage can play is laid
  private volume = 1;
  private timer: ReturnType<typeof setInterval> | null = null;
  private clock = { seconds: 0, at: 0 };

  constructor(
    private readonly shelf: Shelf,
    private readonly listener: StageListener,
  ) {}

  start(item: Item, fromS: number, isPlaying: boolean): void {
    this.halt();
    this.isWanted = isPlaying;
    this.listener.onStall(isPlaying);
    const run = new AbortController();
    this.run = run;
    void this.perform(item, fromS, run.signal).catch((error: unknown) => {
      if (!run.signal.aborted) this.giveUp(item, fromS, error);
    });
    this.timer ??= setInterval(() => this.tick(), TICK_MS);
  }

  play(): void {
    this.isWanted = true;
    this.clock = { seconds: -1, at: Date.now() };
    void this.context?.resume();
    this.fade(this.volume);
  }

  pause(): void {
    this.isWanted = false;
    this.fade(0);
    const context = this.context;
    setTimeout(() => {
      if (!this.isWanted && context === this.context) void context?.suspend();
    }, FADE_S * 4000);
  }

  stop(): void {
    this.halt();
    this.isWanted = false;
    if (this.timer) clearInterval(this.timer);
    this.timer = null;
    void this.context?.suspend();
  }

  setVolume(factor: number): void {
    this.volume = factor;
    if (this.isWanted) this.fade(factor);
  }

  refresh(): void {
    const line = this.line;
    const heard = line?.at(line.nowFrame);
    if (!line || !heard) return;
    for (const [key, item] of this.items) line.setGain(key, this.listener.gainOf(item.song));
    const isLaid = this.reelKey !== heard.key && this.reelKey === this.listener.follow(heard.key)?.key;
    if (isLaid || (this.reelKey === heard.key && !this.isWhole)) return; // right already, or not yet decided
    line.cutAfter(heard.key);
    this.run.abort();
    this.run = new AbortController();
    void this.continueAfter(heard.key, this.run.signal);
  }

  private halt(): void {
    this.run.abort();
    this.line?.stop();
    this.line = null;
    this.isWhole = false;
  }

  private async perform(item: Item, fromS: number, signal: AbortSignal): Promise<void> {
    this.keepOnly([item.key]);
    const opened = await this.open(item);
    if (signal.aborted) return;
    const context = this.contextAt(opened.source.sampleRate);
    const frame = Math.min(Math.round(fromS * context.sampleRate), opened.source.frames || Infinity);
    const line = new Line(context, this.master as GainNode, Math.ceil((context.currentTime + 0.05) * context.sampleRate));
    this.line = line;
    if (this.isWanted) this.play();
    if (frame > 0 && this.isWanted) this.fadeIn();
    await this.lay(opened, frame, line, signal);
  }

  private async continueAfter(key: number, signal: AbortSignal): Promise<void> {
    const line = this.line;
    const last = this.items.get(key);
    if (!line || !last) return;
    try {
      const opened = await this.follow(key, signal);
      this.isWhole = !opened;
      this.reelKey = key;
      if (opened) await this.lay(opened, 0, line, signal);
    } catch {
      if (!signal.aborted) this.isWhole = true;
    }
  }

  private async lay(first: Opened, frame: number, line: Line, signal: AbortSignal): Promise<void> {
    this.isWhole = false;
    const slabs = reel(first, frame, (after) => this.follow(after.key, signal));
    for await (const { opened, slab } of slabs) {
      if (signal.aborted) return;
      this.reelKey = opened.key;
      line.append(opened.key, slab, opened.gain);
      while (line.end - line.nowFrame > AHEAD_S * first.source.sampleRate && !signal.aborted) await pause(200, signal);
    }
    if (!signal.aborted) this.isWhole = true;
  }

  /** The next track if it can join: same rate, decodable here.  Otherwise the engine takes over at the end. */
  private async follow(key: number, signal: AbortSignal): Promise<Opened | null> {
    const line = this.line;
    // Ask late: what is laid is played, so the queue may change until shortly before the seam.
    while (line && line.end - line.nowFrame > AHEAD_S * this.rate && !signal.aborted) await pause(200, signal);
    const item = this.listener.follow(key);
    if (!item || signal.aborted) return null;
    try {
      const opened = await this.open(item);
      if (this.listener.follow(key)?.key !== item.key) return await this.follow(key, signal);
      return opened.source.sampleRate === this.rate ? opened : null;
    } catch {
      return null; // it gets its own chance, and its own message, when its turn comes
    }
  }

  private get rate(): number {
    return this.context?.sampleRate ?? 44100;
  }

  private async open(item: Item): Promise<Opened> {
    this.items.set(item.key, item);
    const source = this.sources.get(item.key) ?? this.openBytes(item);
    this.sources.set(item.key, source);
    source.catch(() => this.sources.delete(item.key));
    return { key: item.key, source: await source, gain: this.listener.gainOf(item.song) };
  }

  private async openBytes({ song }: Item): Promise<Source> {
    const rate = song.suffix?.toLowerCase() === 'opus' ? 48000 : (song.samplingRate ?? 44100);
    try {
      return await openSource(this.shelf.get(song.id), rate, decodeInBrowser);
    } catch (error) {
      if (!(error instanceof Undecodable)) throw error;
      const all = await transcoded(song.id);
      const bytes: Bytes = {
        size: () => Promise.resolve(all.length),
        read: (offset, length) => Promise.resolve(all.slice(offset, offset + length)),
      };
      return openSource(bytes, 48000, decodeInBrowser);
    }
  }

  /** Decoded tracks are large: only the one that plays and the one that comes are held. */
  private keepOnly(keys: readonly number[]): void {
    for (const key of [...this.items.keys()]) {
      if (keys.includes(key)) continue;
      this.items.delete(key);
      this.sources.delete(key);
    }
  }

  private giveUp(item: Item, fromS: number, error: unknown): void {
    this.sources.delete(item.key);
    this.shelf.drop(item.song.id);
    if (error instanceof FileChanged) return this.start(item, fromS, this.isWanted);
    this.listener.onFailed(item.key, error);
  }

  private contextAt(rate: number): AudioContext {
    if (this.context?.sampleRate === rate && this.context.state !== 'closed') return this.context;
    void this.context?.close();
    this.context = new AudioContext({ sampleRate: rate, latencyHint: 'playback' });
    this.master = new GainNode(this.context, { gain: this.volume });
    this.master.connect(this.context.destination);
    if (!this.isWanted) void this.context.suspend();
    return this.context;
  }

  /** Sound that begins in the middle of a wave comes up in some milliseconds. */
  private fadeIn(): void {
    if (!this.context || !this.master) return;
    const { gain } = this.master;
    gain.cancelScheduledValues(0);
    gain.setValueAtTime(0, this.context.currentTime);
    gain.setTargetAtTime(this.volume, this.context.currentTime + 0.05, FADE_S / 2);
  }

  private fade(to: number): void {
    if (this.context && this.master) this.master.gain.setTargetAtTime(to, this.context.currentTime, FADE_S);
  }

  private tick(): void {
    const { line, context } = this;
    if (!line || !context) return;
    const frame = line.nowFrame - (context.outputLatency || 0) * context.sampleRate;
    const heard = line.at(frame);
    if (!heard) return;
    const item = this.items.get(heard.key);
    const seconds = heard.frame / context.sampleRate;
    const known = this.durationOf(heard.key) ?? item?.song.duration ?? 0;
    this.listener.onPosition(heard.key, seconds, known);
    if (!this.isWanted) return;
    const isPast = line.end > 0 && frame >= line.end;
    this.listener.onStall(isPast && !this.isWhole);
    if (isPast && this.isWhole) {
      this.halt();
      this.listener.onEnd(heard.key);
    } else {
      if (this.reelKey !== heard.key) this.keepOnly([heard.key, this.reelKey]);
      if (item) this.watch(item, seconds);
    }
  }

  private readonly durations = new Map<number, number>();
  private durationOf(key: number): number | undefined {
    void this.sources.get(key)?.then((source) => {
      if (this.durations.size > 64) this.durations.clear();
      if (source.frames) this.durations.set(key, source.frames / source.sampleRate);
    }, () => undefined);
    return this.durations.get(key);
  }

  /** A lost audio device can leave a context that never moves again: then a new one is made. */
  private watch(item: Item, seconds: number): void {
    const now = Date.now();
    const time = this.context?.currentTime ?? 0;
    if (time !== this.clock.seconds) {
      this.clock = { seconds: time, at: now };
    } else if (now - this.clock.at > DEAD_MS) {
      this.clock.at = now;
      if (this.context?.state === 'running') {
        void this.context.close();
        this.context = null;
        this.start(item, seconds, true);
      } else void this.context?.resume();
    }
  }
}
