// SPDX-License-Identifier: GPL-3.0-or-later
// line: slabs laid end to end on an audio context's clock, to the sample.  It knows which track sounds at which frame.
// Works on an offline context too, which is how gaplessness is measured.
import type { Slab } from './source';

export interface Piece {
  key: number; // whose sound this is
  from: number; // context frame of its first sample
  frames: number;
  at: number; // frame of the track it starts with
}

interface Laid extends Piece {
  node: AudioBufferSourceNode;
}

/** Room to lay a slab before its time comes, when we are late. */
const MARGIN_S = 0.06;
const FADE_S = 0.005;

export class Line {
  private pieces: Laid[] = [];
  private readonly gains = new Map<number, GainNode>();
  private endFrame: number;

  constructor(
    private readonly context: BaseAudioContext,
    private readonly output: AudioNode,
    startFrame: number,
  ) {
    this.endFrame = startFrame;
  }

  /** Where the next slab would begin. */
  get end(): number {
    return this.endFrame;
  }

  get nowFrame(): number {
    return this.context.currentTime * this.context.sampleRate;
  }

  append(key: number, slab: Slab, gain: number): void {
    const { sampleRate } = this.context;
    const isLate = this.endFrame < this.nowFrame + 128;
    const from = isLate ? Math.ceil(this.nowFrame + MARGIN_S * sampleRate) : this.endFrame;
    const node = new AudioBufferSourceNode(this.context, { buffer: slab.buffer });
    node.connect(this.gainOf(key, gain));
    node.start(from / sampleRate, slab.skip / slab.buffer.sampleRate, slab.frames / slab.buffer.sampleRate);
    this.pieces.push({ key, from, frames: slab.frames, at: slab.at, node });
    this.endFrame = from + slab.frames;
    this.prune();
  }

  /** What sounds at this frame; between or after pieces, what sounded last. */
  at(frame: number): { key: number; frame: number; isSounding: boolean } | null {
    const piece = this.pieces.filter((one) => one.from <= frame).at(-1) ?? this.pieces[0];
    if (!piece) return null;
    const into = frame - piece.from;
    return {
      key: piece.key,
      frame: piece.at + Math.min(Math.max(into, 0), piece.frames),
      isSounding: into >= 0 && into < piece.frames,
    };
  }

  /** Takes back everything laid after the last piece of `key`; the line goes on from there. */
  cutAfter(key: number): void {
    const last = this.pieces.map((piece) => piece.key).lastIndexOf(key);
    if (last < 0) return;
    for (const piece of this.pieces.splice(last + 1)) piece.node.disconnect();
    const end = this.pieces[last] as Laid;
    this.endFrame = end.from + end.frames;
  }

  /** Fades out in some milliseconds, against the click of a cut wave. */
  stop(): void {
    const now = this.context.currentTime;
    for (const gain of this.gains.values()) gain.gain.setTargetAtTime(0, now, FADE_S);
    const gone = this.pieces;
    this.pieces = [];
    for (const { node } of gone) node.stop(now + 6 * FADE_S);
  }

  private gainOf(key: number, value: number): GainNode {
    const found = this.gains.get(key);
    if (found) return found;
    const node = new GainNode(this.context, { gain: value });
    node.connect(this.output);
    this.gains.set(key, node);
    return node;
  }

  setGain(key: number, value: number): void {
    const node = this.gains.get(key);
    if (node) node.gain.setTargetAtTime(value, this.context.currentTime, 0.02);
  }

  /** Forgets what was heard more than a second ago, and the gains nobody needs. */
  private prune(): void {
    const past = this.nowFrame - this.context.sampleRate;
    this.pieces = this.pieces.filter((piece, i) => i === this.pieces.length - 1 || piece.from + piece.frames > past);
    const used = new Set(this.pieces.map((piece) => piece.key));
    for (const key of this.gains.keys()) if (!used.has(key)) this.gains.delete(key);
  }
}
