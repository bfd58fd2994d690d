// SPDX-License-Identifier: GPL-3.0-or-later
// courier: how a page asks nodes that joined after it was opened.
//
// A worker has a policy of its own, that of its script's answer, which names the nodes of that moment (late.ts begins one).
// Pictures are not asked this way: those of a late node are missing until the page is opened again.
//
//   page     { id, url, options }      { id, isOver }      give it up
//   worker   { id, status, headers }   { id, bytes } …     { id, isEnd } or { id, why }

export interface Errand {
  id: number;
  url: string;
  options: { method?: string; headers?: HeadersInit; body?: string | null; cache?: RequestCache };
  isOver?: boolean;
}

export interface Word {
  id: number;
  status?: number;
  headers?: [string, string][];
  bytes?: ArrayBuffer;
  isEnd?: boolean;
  why?: string;
}

const SCRIPT = '/courier.js';
const BODILESS = [204, 205, 304];

interface Asked {
  answered(response: Response): void;
  failed(why: Error): void;
  body: ReadableStreamDefaultController<Uint8Array> | null;
}

/** One worker, and whom it may ask. */
export class Courier {
  private readonly asked = new Map<number, Asked>();
  private readonly worker: Worker;
  private isRetired = false;
  private lastId = 0;

  constructor(
    private readonly knows: ReadonlySet<string>,
    private readonly onBroken: () => void,
  ) {
    this.worker = new Worker(`${SCRIPT}?${Date.now()}`); // so that no cache answers with yesterday's policy
    this.worker.onmessage = ({ data }: MessageEvent<Word>) => this.hear(data);
    this.worker.onerror = () => this.end();
  }

  mayAsk(url: string): boolean {
    return this.knows.has(new URL(url, location.origin).origin);
  }

  ask(url: string, { method, headers, body, cache, signal }: RequestInit): Promise<Response> {
    const id = (this.lastId += 1);
    return new Promise((answered, failed) => {
      if (signal?.aborted) return failed(new DOMException('given up', 'AbortError'));
      this.asked.set(id, { answered, failed, body: null });
      const options = { ...(method && { method }), ...(headers && { headers }), ...(cache && { cache }), ...(typeof body === 'string' && { body }) };
      signal?.addEventListener('abort', () => this.giveUp(id), { once: true });
      this.worker.postMessage({ id, url, options } satisfies Errand);
    });
  }

  /** Another takes its place; what it was sent for it still brings. */
  retire(): void {
    this.isRetired = true;
    this.rest();
  }

  private rest(): void {
    if (this.isRetired && this.asked.size === 0) this.worker.terminate();
  }

  private hear({ id, status, headers, bytes, isEnd, why }: Word): void {
    const one = this.asked.get(id);
    if (!one) return;
    if (status !== undefined) this.begin(id, one, status, headers ?? []);
    else if (bytes) one.body?.enqueue(new Uint8Array(bytes));
    else if (isEnd) this.close(id, one);
    else this.fail(id, one, new TypeError(why ?? 'no answer'));
  }

  private begin(id: number, one: Asked, status: number, headers: [string, string][]): void {
    const stream = new ReadableStream<Uint8Array>({ start: (body) => void (one.body = body), cancel: () => this.giveUp(id) });
    one.answered(new Response(BODILESS.includes(status) ? null : stream, { status, headers }));
  }

  private close(id: number, one: Asked): void {
    this.asked.delete(id);
    one.body?.close();
    this.rest();
  }

  private fail(id: number, one: Asked, why: Error): void {
    this.asked.delete(id);
    one.failed(why); // no effect when it was answered
    one.body?.error(why);
    this.rest();
  }

  private giveUp(id: number): void {
    const one = this.asked.get(id);
    if (!one) return;
    this.worker.postMessage({ id, isOver: true, url: '', options: {} } satisfies Errand);
    this.fail(id, one, new DOMException('given up', 'AbortError'));
  }

  /** Its script did not come, or failed. */
  private end(): void {
    for (const [id, one] of [...this.asked]) this.fail(id, one, new TypeError('no courier'));
    this.worker.terminate();
    this.onBroken();
  }
}
