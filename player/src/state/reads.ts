// SPDX-License-Identifier: GPL-3.0-or-later
// reads: answers that views share.  A view shows what is here at once and is told when something newer came; when the
// server is away it keeps what it has.  Bounded: the answers read longest ago are forgotten.
import { signal, type Signal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { onReturn } from '../data/link';

export interface Read<T> {
  value?: T;
  error?: unknown;
  isLoading: boolean;
}

interface Kept {
  state: Signal<Read<unknown>>;
  load: () => Promise<unknown>;
  at: number; // when the value came
  users: number;
}

const FRESH_MS = 20_000;
const MOST = 120;
const all = new Map<string, Kept>();

function entry(key: string, load: () => Promise<unknown>): Kept {
  const found = all.get(key);
  if (found) {
    all.delete(key);
    all.set(key, found);
    found.load = load;
    return found;
  }
  const fresh: Kept = { state: signal<Read<unknown>>({ isLoading: true }), load, at: 0, users: 0 };
  all.set(key, fresh);
  for (const [old, kept] of all) {
    if (all.size <= MOST) break;
    if (kept.users === 0) all.delete(old);
  }
  return fresh;
}

async function refresh(kept: Kept): Promise<void> {
  if (kept.at === Infinity) return; // under way
  kept.at = Infinity;
  const { error: _, ...before } = kept.state.value;
  kept.state.value = { ...before, isLoading: true };
  try {
    kept.state.value = { value: await kept.load(), isLoading: false };
    kept.at = Date.now();
  } catch (error) {
    kept.at = 0;
    kept.state.value = { ...before, error, isLoading: false };
  }
}

export function useRead<T>(key: string, load: () => Promise<T>): Read<T> {
  const kept = useMemo(() => entry(key, load), [key]);
  useEffect(() => {
    kept.users += 1;
    if (Date.now() - kept.at > FRESH_MS && kept.at !== Infinity) void refresh(kept);
    return () => void (kept.users -= 1);
  }, [kept]);
  return kept.state.value as Read<T>;
}

/** What begins with one of these is out of date: shown ones are read again now, others when next shown. */
export function outdate(...prefixes: string[]): void {
  for (const [key, kept] of all) {
    if (!prefixes.some((prefix) => key.startsWith(prefix)) || kept.at === Infinity) continue;
    kept.at = 0;
    if (kept.users > 0) void refresh(kept);
    else if (kept.state.value.error) all.delete(key);
  }
}

/** Changes an answer here at once; the server's next answer replaces it. */
export function amend<T>(key: string, change: (value: T) => T): void {
  const kept = all.get(key);
  if (kept?.state.value.value !== undefined) {
    kept.state.value = { ...kept.state.value, value: change(kept.state.value.value as T) };
  }
}

export function again(key: string): void {
  const kept = all.get(key);
  if (kept) void refresh(kept);
}

export function forgetAll(): void {
  all.clear();
}

onReturn(() => {
  for (const kept of all.values()) if (kept.users > 0 && kept.state.value.error) void refresh(kept);
});
