// SPDX-License-Identifier: GPL-3.0-or-later
// backoff: how long to wait before trying again.  Doubles from `first` to `most`, with full jitter above half, so that
// a thousand players do not come back in the same instant.

export class Backoff {
  private wait: number;

  constructor(
    private readonly firstMs: number,
    private readonly mostMs: number,
    private readonly random: () => number = Math.random,
  ) {
    this.wait = firstMs;
  }

  nextMs(): number {
    const now = this.wait;
    this.wait = Math.min(this.wait * 2, this.mostMs);
    return Math.round(now * (0.5 + this.random() / 2));
  }

  reset(): void {
    this.wait = this.firstMs;
  }
}

/** Resolves after `ms`, or at once (without throwing) when `signal` fires. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    }
    signal?.addEventListener('abort', done);
  });
}
