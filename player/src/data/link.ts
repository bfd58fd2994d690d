// SPDX-License-Identifier: GPL-3.0-or-later
// link: whether the server answers.  Two failed requests in a row mean away, one good answer means back.  Whoever talks to
// the server reports here; while it is away `probe` (given by objects.ts) looks for it with back-off.
import { signal } from '@preact/signals';
import { Backoff, pause } from './backoff';

export interface Link {
  isAway: boolean;
  since: number; // Unix ms of the last change
}

export const link = signal<Link>({ isAway: false, since: Date.now() });

/** So long without a byte: does the node still live? */
export const DOUBT_MS = 2000;

let misses = 0;
let movedAt = -Infinity; // performance.now()
let isProbing = false;
let probe: (() => Promise<'same' | 'moved' | 'none'>) | null = null;
const waiting = new Set<() => void>();

export function setProbe(ask: NonNullable<typeof probe>): void {
  probe = ask;
}

/** Calls back once each time the server returns, or another node takes its place. */
export function onReturn(callback: () => void): void {
  waiting.add(callback);
}

export function heard(): void {
  misses = 0;
  if (link.value.isAway) back();
}

function back(): void {
  link.value = { isAway: false, since: Date.now() };
  for (const callback of waiting) callback();
}

/** Whether another node has taken over since then (performance.now()): what was asked before waits for one that is left. */
export const hasMovedSince = (then: number): boolean => movedAt >= then;

function moved(): void {
  movedAt = performance.now();
  back();
}

/** Looks for a node that answers, whatever was heard last. */
export async function look(): Promise<void> {
  if ((await probe?.()) === 'moved') moved();
}

export function missed(): void {
  misses += 1;
  if (misses >= 2 && !link.value.isAway) link.value = { isAway: true, since: Date.now() };
  void keepProbing();
}

async function keepProbing(): Promise<void> {
  if (isProbing || !probe) return;
  isProbing = true;
  const backoff = new Backoff(200, 8000);
  while (misses > 0) {
    await pause(backoff.nextMs());
    if (misses === 0) break;
    const found = await probe();
    if (found !== 'none') {
      misses = 0;
      if (found === 'moved') moved();
      else if (link.value.isAway) back();
    } else {
      misses += 1;
      if (misses >= 2 && !link.value.isAway) link.value = { isAway: true, since: Date.now() };
    }
  }
  isProbing = false;
}
