// SPDX-License-Identifier: GPL-3.0-or-later
// holdings: what is held of the time that comes, on the element's clock: pieces in memory, and pieces that the element took.
// Spans are in order and never overlap.  Pure bookkeeping.
import type { Piece } from './supply';

export interface Span {
  fromS: number;
  toS: number;
  rung: number; // how good it is, within its track
  id: string; // rendition and generation
  trackStartS: number;
  piece: Piece | null; // null: the element has it
}

export const CLOSE_S = 0.002; // less than this between spans is rounding

export class Holdings {
  private spans: Span[] = [];

  get all(): readonly Span[] {
    return this.spans;
  }

  get bytes(): number {
    return this.spans.reduce((sum, { piece }) => sum + (piece?.data.length ?? 0), 0);
  }

  /** A newer span replaces what it covers. */
  put(span: Span): void {
    this.drop(span.fromS, span.toS);
    this.spans.push(span);
    this.spans.sort((a, b) => a.fromS - b.fromS);
  }

  /** Forgets what lies between; spans in part. */
  drop(fromS: number, toS = Infinity): void {
    const kept: Span[] = [];
    for (const span of this.spans) {
      if (span.fromS < fromS - CLOSE_S) kept.push({ ...span, toS: Math.min(span.toS, fromS) });
      if (span.toS > toS + CLOSE_S) kept.push({ ...span, fromS: Math.max(span.fromS, toS) });
    }
    this.spans = kept.filter((span) => span.toS - span.fromS > CLOSE_S);
  }

  /** The first second from `atS` on that is not held. */
  gapAfter(atS: number): number {
    let end = atS;
    for (const span of this.spans) {
      if (span.fromS > end + CLOSE_S) break;
      end = Math.max(end, span.toS);
    }
    return end;
  }

  endingAt(atS: number): Span | undefined {
    return this.spans.find((span) => Math.abs(span.toS - atS) <= CLOSE_S);
  }

  /** What, from `atS` on and without a hole before, is less than what would come now. */
  lesserAfter(atS: number, wanted: (span: Span) => number): Span | undefined {
    const gap = this.gapAfter(atS);
    return this.spans.find((span) => span.fromS >= atS && span.fromS < gap && span.rung < wanted(span));
  }

  /** The next piece for the element, when it begins before `untilS`. */
  nextPiece(atS: number, untilS: number): Span | null {
    return this.spans.find((span) => span.piece && span.toS > atS && span.fromS < untilS) ?? null;
  }

  /** The element says what it really holds: what it dropped is not held any more. */
  reconcile(held: readonly (readonly [number, number])[]): void {
    const isThere = ({ fromS, toS }: Span): boolean => {
      const middle = (fromS + toS) / 2;
      return held.some(([from, to]) => from <= middle && middle <= to);
    };
    this.spans = this.spans.filter((span) => span.piece || isThere(span));
  }
}
