// SPDX-License-Identifier: GPL-3.0-or-later
// later: everything that a first page needs neither to stand nor to sound comes in a second script (views/later.ts).  It is
// fetched when the page has nothing else to do (warm), so that it is here when the server is not; what is wanted before
// that waits for it, as long as it takes.
import { signal } from '@preact/signals';
import { Backoff, pause } from '../data/backoff';

export type Later = typeof import('../views/later');

export const found = signal<Later | null>(null);
let coming: Promise<Later> | null = null;

async function fetchUntilHere(): Promise<Later> {
  const backoff = new Backoff(500, 8000);
  for (;;) {
    try {
      const script = await import('../views/later');
      script.begin();
      return (found.value = script);
    } catch {
      await pause(backoff.nextMs());
    }
  }
}

/** The second script, once it is here. */
export const later = (): Promise<Later> => (coming ??= fetchUntilHere());

/** Fetches it once the browser is idle. */
export function warm(): void {
  (globalThis.requestIdleCallback ?? ((then: () => void) => setTimeout(then, 2000)))(() => void later());
}
