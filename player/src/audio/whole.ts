// SPDX-License-Identifier: GPL-3.0-or-later
// whole: a track decoded in one go.  For compressed formats: their files are small, and the browser trims encoder delay and
// padding exactly only when it sees the whole file.
import type { Bytes } from './bytes';
import type { Decode, Slab, Source } from './source';

export class WholeSource implements Source {
  private constructor(private readonly buffer: AudioBuffer) {}

  static async open(bytes: Bytes, sampleRate: number, decode: Decode): Promise<WholeSource> {
    const all = await bytes.read(0, await bytes.size());
    return new WholeSource(await decode(all.buffer as ArrayBuffer, sampleRate));
  }

  get sampleRate(): number {
    return this.buffer.sampleRate;
  }

  get frames(): number {
    return this.buffer.length;
  }

  async *slabs(from: number): AsyncGenerator<Slab> {
    const frames = this.buffer.length - from;
    if (frames > 0) yield { buffer: this.buffer, skip: from, frames, at: from };
  }
}
