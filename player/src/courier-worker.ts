// SPDX-License-Identifier: GPL-3.0-or-later
// courier-worker: asks other nodes for a page whose policy does not name them (data/courier.ts).  A worker obeys the
// Content-Security-Policy that came with its own script, so one that begins when a node joined may ask it.  It knows nothing,
// keeps nothing, and sends what it is told to.
import type { Errand, Word } from './data/courier';

interface Scope {
  onmessage: ((event: MessageEvent<Errand>) => void) | null;
  postMessage(word: Word, transfer?: Transferable[]): void;
}

const scope = globalThis as unknown as Scope;
const running = new Map<number, AbortController>();

async function run({ id, url, options }: Errand): Promise<void> {
  const limit = new AbortController();
  running.set(id, limit);
  try {
    const response = await fetch(url, { ...options, credentials: 'omit', signal: limit.signal });
    scope.postMessage({ id, status: response.status, headers: [...response.headers] });
    const reader = response.body?.getReader();
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
      const bytes = part.value.slice().buffer;
      scope.postMessage({ id, bytes }, [bytes]);
    }
    scope.postMessage({ id, isEnd: true });
  } catch (error) {
    scope.postMessage({ id, why: String(error) });
  } finally {
    running.delete(id);
  }
}

scope.onmessage = ({ data }) => {
  if (data.isOver) running.get(data.id)?.abort();
  else void run(data);
};
