// SPDX-License-Identifier: GPL-3.0-or-later
// filler: from the network into the holdings: what is wanted next, as good as the line allows.  With enough held, what is held
// but could be better is fetched again, and replaces the other before it is heard.
import { BETTER_FROM_S, choose, COMFORT_S, HOLD_S, HOLD_SPARING_S, shouldAbandon, type Throughput } from '../model/adapt';
import type { Rendition } from '../model/manifest';
import type { Bell } from './bell';
import { CLOSE_S, type Holdings, type Span } from './holdings';
import type { Item } from './stage';
import { Abandoned, idOf, Spoiled, type Piece, type Supply, type Watch } from './supply';
import type { Entry, Timeline } from './timeline';

const HOLD_BYTES = 48 * 1024 * 1024; // held ahead at most, however many seconds that is
const SEGMENT_S = 4; // about
const MOST_ENTRIES = 64; // a track of no length, repeated, is not laid for ever

export interface SegmentNeeds {
  supply(track: string): Supply;
  throughput: Throughput;
  isSparing(): boolean;
  onSlow(): void; // the smallest took longer than it plays
}

/** What the filler asks about the listener. */
export interface Ear {
  atS(): number; // on the element's clock
  layS(): number; // what the element takes ahead of that
  follow(key: number): Item | null;
}

interface Spot {
  atS: number;
  rung?: number; // what is held there already is less
}

export class Filler {
  private leftOut = -1; // the track that cannot join
  private measuredAt = performance.now();

  constructor(
    private readonly timeline: Timeline,
    private readonly holdings: Holdings,
    private readonly bell: Bell,
    private readonly needs: SegmentNeeds,
    private readonly ear: Ear,
  ) {}

  /** Everything that can join is held: the last track on the timeline is the last to sound here. */
  isWhole(): boolean {
    const { last } = this.timeline;
    if (!last || last.endS === Infinity) return false;
    const next = this.ear.follow(last.item.key);
    if (next && next.key !== this.leftOut) return false;
    return this.holdings.gapAfter(this.ear.atS()) >= last.endS - CLOSE_S;
  }

  /** One step: a piece, or a rest when nothing is wanted.  Throws when the track that plays cannot be had this way. */
  async fill(signal: AbortSignal): Promise<void> {
    const next = this.nextSpot();
    if (!next) return this.bell.wait(250);
    const spot = next.atS;
    const entry = this.timeline.at(spot + CLOSE_S) as Entry;
    const { supply } = entry;
    try {
      await supply.open(signal);
      const rung = next.rung ?? this.wantedRung(entry);
      const rendition = supply.ladder[rung];
      if (!rendition) throw new Spoiled('Nothing of this track can be played here.');
      await this.get(entry, rendition, rung, Math.max(spot, entry.startS), signal);
    } catch (error) {
      if (signal.aborted || error instanceof Abandoned) return;
      // A track that cannot be had this way gets its own chance, and its own message, when its turn comes.
      if (entry !== this.timeline.at(this.ear.atS()) && entry === this.timeline.last) return this.leaveOut(entry);
      throw error;
    }
  }

  private async get(entry: Entry, rendition: Rendition, rung: number, spot: number, signal: AbortSignal): Promise<void> {
    const { supply, startS } = entry;
    let piece: Piece | null;
    try {
      const goesOn = this.holdings.endingAt(spot)?.id === idOf(rendition);
      piece = await supply.piece(rendition.name, spot - startS, !goesOn, signal, this.watch(entry, rung));
    } catch (error) {
      if (!(error instanceof Spoiled) || signal.aborted) throw error;
      return supply.giveUp(rendition.name);
    }
    if (signal.aborted) return;
    const { length } = supply;
    if (length.isExact) entry.endS = startS + length.seconds;
    if (piece) this.hold(entry, rung, spot, piece);
    else if (length.isExact) entry.endS = Math.min(entry.endS, Math.max(spot, startS));
    this.bell.ring();
  }

  private hold(entry: Entry, rung: number, spot: number, piece: Piece): void {
    const begins = entry.startS + piece.fromS;
    const fromS = this.holdings.endingAt(spot) ? Math.max(begins, spot) : begins;
    const toS = Math.min(entry.startS + piece.toS, entry.endS);
    this.holdings.put({ fromS, toS, rung, id: piece.id, trackStartS: entry.startS, piece });
  }

  /** Where something is wanted next; null when enough is held. */
  private nextSpot(): Spot | null {
    const at = this.ear.atS();
    const gap = this.holdings.gapAfter(at);
    const aheadS = gap - at;
    const isAll = gap >= (this.timeline.last?.endS ?? Infinity) - CLOSE_S;
    if (aheadS >= COMFORT_S || isAll) {
      const lesser = this.holdings.lesserAfter(at + BETTER_FROM_S, (span) => this.betterRung(span));
      if (lesser) return { atS: lesser.fromS, rung: this.betterRung(lesser) };
    }
    const isEnough = aheadS >= (this.needs.isSparing() ? HOLD_SPARING_S : HOLD_S) || this.holdings.bytes >= HOLD_BYTES;
    if (isEnough && aheadS > this.ear.layS()) return null;
    return isAll && !this.follow() ? null : { atS: gap };
  }

  private betterRung(span: Span): number {
    const entry = this.timeline.at(span.fromS);
    const idleS = (performance.now() - this.measuredAt) / 1000;
    return entry?.supply.manifest ? this.wantedRung(entry, this.needs.throughput.bpsAfter(idleS)) : 0;
  }

  /** Puts the next track on the timeline; false when none joins. */
  private follow(): boolean {
    const { last } = this.timeline;
    const next = last && this.ear.follow(last.item.key);
    if (!next || next.key === this.leftOut || this.timeline.entries.length >= MOST_ENTRIES) return false;
    this.timeline.add(next, this.needs.supply(next.song.id));
    return true;
  }

  private leaveOut(entry: Entry): void {
    this.timeline.cutAfter(this.timeline.entries.at(-2) ?? entry);
    this.leftOut = entry.item.key;
  }

  private wantedRung({ supply }: Entry, bps = this.needs.throughput.bps): number {
    const at = this.ear.atS();
    return choose(supply.ladder, bps, { aheadS: this.holdings.gapAfter(at) - at, segmentS: SEGMENT_S });
  }

  /** Measures the line, and leaves what takes too long. */
  private watch({ supply }: Entry, rung: number): Watch {
    const { throughput } = this.needs;
    let mark = { tookS: 0, received: 0 };
    let recentBps = 0;
    return (received, total, tookS, isDone) => {
      this.measuredAt = performance.now();
      if (isDone) throughput.add(total, tookS, SEGMENT_S);
      if (isDone && rung === 0 && tookS > SEGMENT_S) this.needs.onSlow();
      if (isDone || rung === 0) return false;
      if (tookS - mark.tookS >= 1) {
        recentBps = ((received - mark.received) * 8) / (tookS - mark.tookS);
        mark = { tookS, received };
      }
      const at = this.ear.atS();
      const held = { aheadS: this.holdings.gapAfter(at) - at, segmentS: SEGMENT_S };
      const smallest = ((supply.ladder[0]?.bandwidth ?? 0) * SEGMENT_S) / 8;
      const progress = { received, total, tookS, recentBps: recentBps || (received * 8) / tookS };
      const isHopeless = shouldAbandon(progress, smallest, held);
      if (isHopeless) throughput.collapse(progress.recentBps);
      return isHopeless;
    };
  }
}
