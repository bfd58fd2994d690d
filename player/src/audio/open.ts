// SPDX-License-Identifier: GPL-3.0-or-later
// open: which way a file is decoded, told by its first bytes rather than by its name.
import type { Bytes } from './bytes';
import { FlacSource } from './flac';
import type { Decode, Source } from './source';
import { WavSource } from './wav';
import { WholeSource } from './whole';

const word = (data: Uint8Array, at: number): string => String.fromCharCode(...data.subarray(at, at + 4));

/** Length of an ID3v2 tag in front of the file, 0 when there is none. */
function tagLength(head: Uint8Array): number {
  if (word(head, 0).slice(0, 3) !== 'ID3') return 0;
  const size = [6, 7, 8, 9].reduce((sum, at) => sum * 128 + ((head[at] ?? 0) & 127), 0);
  return 10 + size + ((head[5] ?? 0) & 16 ? 10 : 0);
}

/** `rate`: what the library says, for formats that are decoded whole. */
export async function openSource(bytes: Bytes, rate: number, decode: Decode): Promise<Source> {
  const head = await bytes.read(0, 12);
  if (word(head, 0) === 'RIFF' && word(head, 8) === 'WAVE') return WavSource.open(bytes, decode);
  const start = tagLength(head);
  const mark = start ? await bytes.read(start, 4) : head;
  if (word(mark, 0) === 'fLaC') return FlacSource.open(bytes, start, decode);
  return WholeSource.open(bytes, rate, decode);
}

/** Whether a track is decoded piece by piece: then its length does not matter. */
export function isCut(suffix: string | undefined): boolean {
  return ['flac', 'wav', 'fla'].includes((suffix ?? '').toLowerCase());
}
