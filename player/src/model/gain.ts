// SPDX-License-Identifier: GPL-3.0-or-later
// gain: ReplayGain 2.0 as a factor, never louder than the peak allows.
import type { ReplayGain } from './types';

export type GainMode = 'off' | 'track' | 'album';

const LOUDEST_DB = 12; // a tag beyond this is a mistake

export function gainFactor(tags: ReplayGain | undefined, mode: GainMode, preampDb = 0): number {
  if (mode === 'off' || !tags) return 1;
  const [first, second] =
    mode === 'album' ? [tags.albumGain, tags.trackGain] : [tags.trackGain, tags.albumGain];
  const gainDb = first ?? second;
  if (gainDb === undefined || !Number.isFinite(gainDb)) return 1;
  const peak = (first === tags.albumGain ? tags.albumPeak : tags.trackPeak) ?? tags.trackPeak ?? 0;
  const wanted = 10 ** (Math.min(gainDb + preampDb, LOUDEST_DB) / 20);
  return peak > 0 ? Math.min(wanted, 1 / peak) : Math.min(wanted, 1);
}
