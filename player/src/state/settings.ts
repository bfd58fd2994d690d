// SPDX-License-Identifier: GPL-3.0-or-later
// settings: how this device looks and sounds.  Kept on the device.
import { effect, signal } from '@preact/signals';
import type { Way } from '../audio/engine';
import { keep, kept } from '../data/journal';
import type { GainMode } from '../model/gain';

export type Theme = 'system' | 'light' | 'dark';

export interface Settings {
  theme: Theme;
  gain: GainMode;
  volume: number; // 0..1 as shown; loudness goes with its square
  isMuted: boolean;
  way: Way | null; // null: what suits the device
}

export const settings = signal<Settings>({ theme: 'system', gain: 'album', volume: 1, isMuted: false, way: null });

export function change(part: Partial<Settings>): void {
  settings.value = { ...settings.value, ...part };
  void keep('settings', settings.value);
}

export async function restoreSettings(): Promise<void> {
  settings.value = { ...settings.value, ...(await kept<Settings>('settings')) };
}

effect(() => {
  document.documentElement.dataset.theme = settings.value.theme;
});
