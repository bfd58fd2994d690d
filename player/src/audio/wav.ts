// SPDX-License-Identifier: GPL-3.0-or-later
// wav: PCM in RIFF, decoded piece by piece: any run of whole frames behind a header is a file.
import type { Bytes } from './bytes';
import { slabLengths, Undecodable, type Decode, type Slab, type Source } from './source';

interface Layout {
  format: Uint8Array; // the fmt chunk with its head
  sampleRate: number;
  frameBytes: number;
  dataAt: number;
  frames: number;
}

async function readLayout(bytes: Bytes): Promise<Layout> {
  const size = await bytes.size();
  let format: Uint8Array | null = null;
  for (let at = 12, count = 0; at + 8 <= size && count < 64; count++) {
    const head = await bytes.read(at, 8 + 64);
    const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
    const name = String.fromCharCode(...head.subarray(0, 4));
    const length = view.getUint32(4, true);
    if (name === 'fmt ' && length >= 16 && length <= 64) format = head.slice(0, 8 + length);
    if (name === 'data' && format) return layout(format, at + 8, Math.min(length, size - at - 8));
    at += 8 + length + (length & 1);
  }
  throw new Undecodable('WAV without sound');
}

function layout(format: Uint8Array, dataAt: number, length: number): Layout {
  const view = new DataView(format.buffer);
  const frameBytes = view.getUint16(20, true);
  const sampleRate = view.getUint32(12, true);
  if (!frameBytes || !sampleRate) throw new Undecodable('WAV with an empty format');
  return { format, sampleRate, frameBytes, dataAt, frames: Math.floor(length / frameBytes) };
}

export class WavSource implements Source {
  private constructor(
    private readonly bytes: Bytes,
    private readonly is: Layout,
    private readonly decode: Decode,
  ) {}

  static async open(bytes: Bytes, decode: Decode): Promise<WavSource> {
    return new WavSource(bytes, await readLayout(bytes), decode);
  }

  get sampleRate(): number {
    return this.is.sampleRate;
  }

  get frames(): number {
    return this.is.frames;
  }

  async *slabs(from: number): AsyncGenerator<Slab> {
    const lengths = slabLengths(this.sampleRate);
    for (let at = from; at < this.is.frames; ) {
      const frames = Math.min(lengths.next().value, this.is.frames - at);
      const data = await this.bytes.read(this.is.dataAt + at * this.is.frameBytes, frames * this.is.frameBytes);
      const buffer = await this.decode(this.wrap(data), this.sampleRate);
      yield { buffer, skip: 0, frames: buffer.length, at };
      at += frames;
    }
  }

  private wrap(data: Uint8Array): ArrayBuffer {
    const { format } = this.is;
    const out = new Uint8Array(12 + format.length + 8 + data.length);
    const view = new DataView(out.buffer);
    const word = (at: number, text: string): void => out.set([...text].map((c) => c.charCodeAt(0)), at);
    word(0, 'RIFF');
    view.setUint32(4, out.length - 8, true);
    word(8, 'WAVE');
    out.set(format, 12);
    word(12 + format.length, 'data');
    view.setUint32(16 + format.length, data.length, true);
    out.set(data, 20 + format.length);
    return out.buffer;
  }
}
