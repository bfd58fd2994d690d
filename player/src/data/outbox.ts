// SPDX-License-Identifier: GPL-3.0-or-later
// outbox: delivers what this device recorded, in order, once it can, as often as it takes.  An operation leaves only
// after the server said that it is durable there (or will never take it).  No storage and no network of its own.
import { Backoff, pause } from './backoff';
import { batchText, settled, type Operation, type Outcome } from './operation';
import { Problem } from './problem';

export interface OutboxStore {
  /** The oldest operations of one device and account, at most `limit`. */
  first(user: string, limit: number): Promise<Operation[]>;
  remove(operations: readonly Operation[]): Promise<void>;
  /** The same operation under a fresh device and number (its id was used for something else). */
  renew(operation: Operation): Promise<void>;
}

export type Post = (body: string) => Promise<{ results: Outcome[] }>;

const BATCH = 100;

export class Outbox {
  private wake: (() => void) | null = null;
  private stopping = new AbortController();

  constructor(
    private readonly store: OutboxStore,
    private readonly post: Post,
    private readonly onRefused: (operation: Operation, why: string) => void,
    private readonly backoff = new Backoff(1000, 60_000),
  ) {}

  /** Something new was recorded, or the server is back. */
  nudge(): void {
    this.backoff.reset();
    this.wake?.();
  }

  stop(): void {
    this.stopping.abort();
    this.wake?.();
  }

  /** Runs until stop(). */
  async run(user: string): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const sent = await this.deliver(user).catch(() => 'failed' as const);
      if (signal.aborted) return;
      if (sent === 'some') this.backoff.reset();
      else await this.sleep(sent === 'empty' ? 3_600_000 : this.backoff.nextMs());
    }
  }

  /** One batch.  'empty': nothing to send; 'some': it went; throws or 'failed' when it must be tried again. */
  async deliver(user: string): Promise<'empty' | 'some' | 'failed'> {
    const waiting = await this.store.first(user, BATCH);
    const head = waiting[0];
    if (!head) return 'empty';
    const batch = waiting.filter((operation) => operation.device === head.device);
    let results: Outcome[];
    try {
      ({ results } = await this.post(batchText(head.device, batch)));
    } catch (error) {
      if (!(error instanceof Problem) || error.kind !== 'refused' || batch.length === 1) throw error;
      results = await this.oneByOne(batch);
    }
    return this.settle(batch, results);
  }

  /** A batch was refused as a whole: find the bad one instead of holding up the others. */
  private async oneByOne(batch: readonly Operation[]): Promise<Outcome[]> {
    const results: Outcome[] = [];
    for (const operation of batch) {
      try {
        results.push(...(await this.post(batchText(operation.device, [operation]))).results);
      } catch (error) {
        if (!(error instanceof Problem) || error.kind !== 'refused') throw error;
        results.push({ seq: operation.seq, outcome: 'refused', why: error.message });
      }
    }
    return results;
  }

  private async settle(batch: readonly Operation[], results: readonly Outcome[]): Promise<'some' | 'failed'> {
    const bySeq = new Map(batch.map((operation) => [operation.seq, operation]));
    const gone: Operation[] = [];
    let isAgain = false;
    for (const { seq, outcome, why } of results) {
      const operation = bySeq.get(seq);
      if (!operation) continue;
      const next = settled(outcome);
      if (next === 'again') isAgain = true;
      else if (next === 'renew') await this.store.renew(operation);
      else gone.push(operation);
      if (next === 'give-up') this.onRefused(operation, why ?? outcome);
    }
    await this.store.remove(gone);
    return gone.length > 0 && !isAgain ? 'some' : 'failed';
  }

  private async sleep(ms: number): Promise<void> {
    const awake = new AbortController();
    this.wake = () => awake.abort();
    await pause(ms, awake.signal);
    this.wake = null;
  }
}
