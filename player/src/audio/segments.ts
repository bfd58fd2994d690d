// SPDX-License-Identifier: GPL-3.0-or-later
// segments: the gapless stage.  Two loops between network and element: the filler fetches what is wanted next into the
// holdings; lay() hands the element what comes within its window.  Tracks stand sample to sample on one
// timeline (docs/decisions/020-player-segments.md).
import { opusInit } from '../model/opus';
import { Bell } from './bell';
import { Filler, type Ear, type SegmentNeeds } from './filler';
import { CLOSE_S, Holdings, type Span } from './holdings';
import { Full, Sink } from './sink';
import type { Item, Stage, StageListener } from './stage';
import { Timeline, type Entry } from './timeline';

const LAY_S = 30; // handed to the element ahead of what is heard
const BEHIND_S = 20; // left there behind it
const TICK_MS = 100;
const DEAD_MS = 4000; // an element that stands this long although it has music is dead
const DECODE_AHEAD_S = 1;
const GAP_S = 0.3; // a hole that the element may not cross by itself

export class SegmentStage implements Stage {
  private run = new AbortController();
  private sink: Sink | null = null;
  private timeline = new Timeline();
  private holdings = new Holdings();
  private readonly bell = new Bell();
  private readonly ear: Ear;
  private filler: Filler;
  private turn: 0 | 1 = 0; // of decoders
  private lastLaid: { id: string; atS: number } | null = null;
  private startS: number | null = null; // where to begin, while the element does not know its track yet
  private layS = LAY_S;
  private isWanted = false;
  private volume = 1;
  private timer: ReturnType<typeof setInterval> | null = null;
  private clock = { seconds: -1, at: 0 };

  constructor(
    private readonly audio: HTMLAudioElement,
    private readonly needs: SegmentNeeds,
    private readonly listener: StageListener,
  ) {
    this.ear = { atS: () => this.atS, layS: () => this.layS, follow: (key) => listener.follow(key) };
    this.filler = this.newFiller();
    audio.addEventListener('loadedmetadata', () => this.arrive());
    audio.addEventListener('ended', () => this.ended());
    audio.addEventListener('error', () => this.broken());
    audio.addEventListener('pause', () => this.stopped());
  }

  start(item: Item, fromS: number, isPlaying: boolean): void {
    this.isWanted = isPlaying;
    const isIt = (entry: Entry): boolean => entry.item.key === item.key && entry.item.song.id === item.song.id;
    const { now } = this;
    const known = now && isIt(now) ? now : this.timeline.entries.filter(isIt).at(-1);
    if (known && this.sink) this.jump(known.startS + fromS);
    else this.begin(item, fromS);
    this.hear();
    this.tick();
  }

  play(): void {
    this.isWanted = true;
    this.clock = { seconds: -1, at: Date.now() };
    this.hear();
  }

  pause(): void {
    this.isWanted = false;
    this.audio.pause();
  }

  stop(): void {
    if (!this.sink) return;
    this.close();
    if (this.timer) clearInterval(this.timer);
    this.timer = null;
    this.isWanted = false;
    this.audio.pause();
    this.audio.removeAttribute('src');
    this.audio.load();
  }

  setVolume(factor: number): void {
    this.volume = factor;
    if (this.sink) this.level();
  }

  /** What was laid behind the track that plays is taken back when something else comes now. */
  refresh(): void {
    const now = this.now;
    if (!now) return;
    this.level();
    const laid = this.timeline.after(now);
    const next = this.listener.follow(now.item.key);
    if (laid && (laid.item.key !== next?.key || laid.item.song.id !== next.song.id)) {
      this.timeline.cutAfter(now);
      this.holdings.drop(now.endS);
      this.lastLaid = null;
      this.restartLoops();
      void this.sink?.remove(now.endS, Infinity).catch(() => undefined);
    }
    this.bell.ring();
  }

  heldToS(): number {
    const { now } = this;
    if (!now) return 0;
    return Math.min(this.holdings.gapAfter(this.atS), now.endS) - now.startS;
  }

  // --- the run ---

  private get now(): Entry | undefined {
    return this.sink ? this.timeline.at(this.atS) : undefined;
  }

  /** On the element's clock. */
  private get atS(): number {
    return this.startS ?? this.audio.currentTime;
  }

  private arrive(): void {
    if (!this.sink || this.startS === null) return;
    if (this.startS > 0) this.audio.currentTime = this.startS;
    this.startS = null;
  }

  private begin(item: Item, fromS: number): void {
    this.close();
    this.sink = new Sink(this.audio);
    this.timeline = new Timeline();
    this.holdings = new Holdings();
    this.filler = this.newFiller();
    this.lastLaid = null;
    this.clock = { seconds: -1, at: Date.now() };
    this.timeline.add(item, this.needs.supply(item.song.id));
    this.startS = fromS;
    this.level();
    this.timer ??= setInterval(() => this.tick(), TICK_MS);
    this.restartLoops();
  }

  private newFiller(): Filler {
    return new Filler(this.timeline, this.holdings, this.bell, this.needs, this.ear);
  }

  private close(): void {
    this.run.abort();
    this.bell.ring();
    this.sink?.close();
    this.sink = null;
  }

  private jump(toS: number): void {
    if (this.startS === null) this.audio.currentTime = toS;
    else this.startS = toS;
    this.lastLaid = null;
    this.clock = { seconds: -1, at: Date.now() };
    this.restartLoops();
  }

  /** What is under way is for another place: both loops begin anew. */
  private restartLoops(): void {
    this.run.abort();
    this.run = new AbortController();
    const { signal } = this.run;
    this.bell.ring();
    void this.loop(() => this.filler.fill(signal), signal);
    void this.loop(() => this.lay(signal), signal);
  }

  private async loop(step: () => Promise<void>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await step();
      } catch (error) {
        if (signal.aborted) return;
        this.unfit();
      }
    }
  }

  private hear(): void {
    if (!this.isWanted) return this.audio.pause();
    void this.audio.play().catch((error: unknown) => {
      if (error instanceof DOMException && error.name === 'NotAllowedError') this.stopped();
    });
  }

  private level(): void {
    const song = this.now?.item.song;
    this.audio.volume = Math.min(1, this.volume * (song ? this.listener.gainOf(song) : 1));
  }

  // --- holdings to element ---

  private async lay(signal: AbortSignal): Promise<void> {
    const { sink } = this;
    if (!sink) return;
    const at = this.atS;
    const span = sink.isHungry ? this.holdings.nextPiece(at, at + this.layS) : null;
    if (span) await this.layOne(sink, span, signal);
    else {
      if (this.isAllLaid() && sink.isOpen) await sink.end();
      await this.bell.wait(250);
    }
  }

  private isAllLaid(): boolean {
    return this.filler.isWhole() && this.holdings.all.every((span) => !span.piece);
  }

  private async layOne(sink: Sink, span: Span, signal: AbortSignal): Promise<void> {
    const { piece, trackStartS } = span;
    if (!piece) return;
    const goesOn = this.lastLaid?.id === piece.id && Math.abs(this.lastLaid.atS - span.fromS) < CLOSE_S;
    if (!goesOn) this.turn = this.turn === 0 ? 1 : 0;
    const init = piece.type.includes('opus') ? opusInit(piece.init, this.turn) : piece.init;
    const parts = goesOn ? [piece.data] : [init, ...(piece.lead ? [piece.lead] : []), piece.data];
    const isFirst = span.fromS - trackStartS < CLOSE_S;
    const window = { offsetS: trackStartS, fromS: isFirst ? trackStartS : span.fromS, toS: span.toS };
    try {
      await sink.append(piece.type, parts, goesOn ? { ...window, fromS: trackStartS } : window);
    } catch (error) {
      if (!(error instanceof Full)) throw error;
      return this.makeRoom(sink);
    }
    if (signal.aborted) return;
    span.piece = null;
    this.lastLaid = { id: piece.id, atS: span.toS };
  }

  private async makeRoom(sink: Sink): Promise<void> {
    const behind = this.atS - 2;
    if (behind > 0) await sink.remove(0, behind);
    this.holdings.drop(0, behind);
    this.layS = Math.max(this.layS / 1.5, 8);
    this.lastLaid = null;
    await this.bell.wait(1000);
  }

  // --- what the element tells ---

  private tick(): void {
    const { now, audio, sink } = this;
    if (!now || !sink) return;
    const { atS: at } = this;
    this.level();
    const known = now.endS === Infinity ? (now.item.song.duration ?? 0) : now.endS - now.startS;
    this.listener.onPosition(now.item.key, Math.max(at - now.startS, 0), known);
    this.timeline.prune(now);
    this.holdings.reconcile(sink.held);
    if ((sink.held[0]?.[0] ?? at) < at - 2 * BEHIND_S) void sink.remove(0, at - BEHIND_S).catch(() => undefined);
    if (!this.isWanted) return;
    const isHungry = audio.readyState < HTMLMediaElement.HAVE_FUTURE_DATA && !audio.ended;
    this.listener.onStall(isHungry);
    if (isHungry) this.crossGap(at, sink);
    this.watchClock(at, isHungry);
  }

  private crossGap(at: number, sink: Sink): void {
    const next = sink.held.find(([from]) => from > at && from - at < GAP_S);
    if (next) this.audio.currentTime = next[0] + 0.001;
  }

  /** A lost audio device can leave an element that never moves again. */
  private watchClock(at: number, isHungry: boolean): void {
    const now = Date.now();
    if (at !== this.clock.seconds || isHungry) this.clock = { seconds: at, at: now };
    else if (now - this.clock.at > DEAD_MS) this.again();
  }

  private again(): void {
    const { now } = this;
    if (!now) return;
    this.begin(now.item, Math.max(this.atS - now.startS, 0));
    this.hear();
  }

  /** The system took the sound away (a call, headphones pulled out), or does not let a page begin by itself. */
  private stopped(): void {
    if (!this.sink || !this.isWanted || this.audio.ended || !this.audio.paused) return;
    this.isWanted = false;
    this.listener.onPaused();
  }

  private ended(): void {
    const { now } = this;
    if (now) this.listener.onEnd(now.item.key);
  }

  /** The browser could not decode something: not this rendition again.  When none is left, another stage. */
  private broken(): void {
    const { now, audio } = this;
    if (!now || !audio.error) return;
    const { atS: at } = this;
    const heard = this.holdings.all.filter((span) => span.toS > at && span.fromS < at + DECODE_AHEAD_S);
    const spoilt = now.supply.ladder[heard.at(-1)?.rung ?? 0]; // the newest: decoders run ahead
    if (!spoilt) return this.unfit();
    now.supply.giveUp(spoilt.name);
    if (now.supply.ladder.length === 0) return this.unfit();
    this.begin(now.item, Math.max(at - now.startS, 0));
    this.hear();
  }

  private unfit(): void {
    const { now } = this;
    if (!now) return;
    const seconds = Math.max(this.atS - now.startS, 0);
    this.close();
    this.listener.onUnfit(now.item, seconds);
  }
}
