// SPDX-License-Identifier: GPL-3.0-or-later
// lyrics: which line is sung now.
import type { LyricLine, Lyrics } from './types';

export interface Verse {
  startMs: number; // NaN when the lyrics are not synced
  text: string;
}

/** Synced lyrics when there are any, else the first plain ones, else null. */
export function choose(all: readonly Lyrics[]): Lyrics | null {
  return all.find((one) => one.synced && (one.line?.length ?? 0) > 0) ?? all.find((one) => one.line?.length) ?? null;
}

export function verses(lyrics: Lyrics): Verse[] {
  const shift = lyrics.offset ?? 0;
  const at = (line: LyricLine): number => (lyrics.synced && line.start !== undefined ? line.start - shift : NaN);
  const all = (lyrics.line ?? []).map((line) => ({ startMs: at(line), text: line.value }));
  return lyrics.synced ? all.sort((a, b) => a.startMs - b.startMs) : all;
}

/** The last line that has begun, or -1 before the first. */
export function lineAt(lines: readonly Verse[], nowMs: number): number {
  let low = 0;
  let high = lines.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((lines[middle]?.startMs ?? Infinity) <= nowMs) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
