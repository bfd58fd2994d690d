// SPDX-License-Identifier: GPL-3.0-or-later
// journal: everything the player writes, on this device and on the server.  Besides objects.ts (reads) the only module
// that may call fetch or a storage API; `npm run lint` holds us to it.
//
// A change is durable in IndexedDB before it counts, then travels through the outbox until the server has it on disk.
// Each account has a device id of its own here, so that two people on one browser never mix.
import { signal } from '@preact/signals';
import { tick, type Stamp } from './clock';
import { carried } from './late';
import { heard, missed, onReturn } from './link';
import { node } from './nodes';
import { settled, type Kind, type Operation, type Outcome, type Payloads } from './operation';
import { Outbox, type OutboxStore } from './outbox';
import { Problem, problemOf } from './problem';
import { hearDate, serverNow } from './server-clock';
import { newUid } from './uid';

const COMMAND_TIMEOUT_MS = 20_000;

/** How many operations wait here for the server. */
export const unsent = signal(0);
/** True while the server takes none of them: it is full, or a disk failed. */
export const isHeldUp = signal(false);
/** False when this browser keeps nothing: changes then live as long as the page. */
export const isDurable = signal(true);

// --- commands: changes that the server decides at once (sign-in, users, apps, scan) ---

/** Makes a DPoP field for this path and nonce; null: none. */
export type Prove = (path: string, nonce?: string) => Promise<string | null>;

async function post(method: string, path: string, headers: Record<string, string>, body: string | null): Promise<Response> {
  try {
    const limit = AbortSignal.timeout(COMMAND_TIMEOUT_MS);
    const url = path.startsWith('/') ? node.peek() + path : path;
    const options: RequestInit = { method, headers, body, signal: limit, credentials: 'same-origin' };
    const response = await (carried(url, options) ?? fetch(url, options));
    heard();
    return response;
  } catch {
    missed();
    throw new Problem('away', 'The server does not answer.');
  }
}

/** `prove`: this request carries a proof of the browser's key, made anew when the server gives a nonce. */
export async function command<T>(method: string, path: string, body: unknown, bearer: string | null, prove?: Prove): Promise<T> {
  const text = typeof body === 'string' ? body : body === undefined ? null : JSON.stringify(body);
  const headers: Record<string, string> = { accept: 'application/json' };
  if (text !== null) headers['content-type'] = 'application/json';
  if (bearer) headers.authorization = `Bearer ${bearer}`;
  const proof = await prove?.(path);
  if (proof) headers.dpop = proof;
  let response = await post(method, path, headers, text);
  const nonce = response.headers.get('dpop-nonce');
  if (prove && proof && nonce && response.status === 401) {
    response = await post(method, path, { ...headers, dpop: (await prove(path, nonce)) ?? '' }, text);
  }
  hearDate(response.headers.get('date'));
  if (!response.ok) throw await problemOf(response);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

// --- this device's disk ---

interface Device {
  device: string;
  next: number;
  stamp: Stamp;
}

const promised = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('storage failed'));
  });

const finished = (transaction: IDBTransaction): Promise<void> =>
  new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new Error('storage failed'));
  });

/** Two stores: `kept` (key → value) and `operations`, in order of birth. */
export class Disk implements OutboxStore {
  private constructor(private readonly database: IDBDatabase) {}

  static async open(factory: IDBFactory, name: string): Promise<Disk> {
    const request = factory.open(name, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore('kept');
      const operations = request.result.createObjectStore('operations', { autoIncrement: true });
      operations.createIndex('user', 'user');
    };
    return new Disk(await promised(request));
  }

  private write(stores: string[]): IDBTransaction {
    return this.database.transaction(stores, 'readwrite', { durability: 'strict' });
  }

  async keep(key: string, value: unknown): Promise<void> {
    const transaction = this.database.transaction(['kept'], 'readwrite', { durability: 'relaxed' });
    transaction.objectStore('kept').put(value, key);
    await finished(transaction);
  }

  async kept<T>(key: string): Promise<T | undefined> {
    return (await promised(this.database.transaction('kept').objectStore('kept').get(key))) as T | undefined;
  }

  /** Gives the operation its id and stamp and makes it durable, in one transaction. */
  async record<K extends Kind>(user: string, kind: K, payload: Payloads[K], nowMs: number): Promise<Operation> {
    const transaction = this.write(['kept', 'operations']);
    const operation = await this.stamp(transaction, user, kind, payload, nowMs);
    transaction.objectStore('operations').add(operation);
    await finished(transaction);
    return operation;
  }

  private async stamp(
    transaction: IDBTransaction,
    user: string,
    kind: Kind,
    payload: Payloads[Kind],
    nowMs: number,
  ): Promise<Operation> {
    const kept = transaction.objectStore('kept');
    const key = `device:${user}`;
    const last = ((await promised(kept.get(key))) as Device | undefined) ?? newDevice();
    const stamp = tick(last.stamp, nowMs);
    kept.put({ device: last.device, next: last.next + 1, stamp } satisfies Device, key);
    return { user, device: last.device, seq: last.next, stamp, kind, payload };
  }

  async first(user: string, limit: number): Promise<Operation[]> {
    const index = this.database.transaction('operations').objectStore('operations').index('user');
    return (await promised(index.getAll(user, limit))) as Operation[];
  }

  async count(user: string): Promise<number> {
    return promised(this.database.transaction('operations').objectStore('operations').index('user').count(user));
  }

  async remove(operations: readonly Operation[]): Promise<void> {
    if (operations.length === 0) return;
    const gone = new Set(operations.map((one) => `${one.device} ${one.seq}`));
    const transaction = this.write(['operations']);
    const walk = transaction.objectStore('operations').openCursor();
    walk.onsuccess = () => {
      const cursor = walk.result;
      if (!cursor || gone.size === 0) return;
      const one = cursor.value as Operation;
      if (gone.delete(`${one.device} ${one.seq}`)) cursor.delete();
      cursor.continue();
    };
    await finished(transaction);
  }

  async renew(operation: Operation): Promise<void> {
    const transaction = this.write(['kept', 'operations']);
    const kept = transaction.objectStore('kept');
    const key = `device:${operation.user}`;
    const current = (await promised(kept.get(key))) as Device | undefined;
    if (!current || current.device === operation.device) kept.put(newDevice(operation.stamp), key);
    const { user, kind, payload, stamp } = operation;
    const fresh = await this.stamp(transaction, user, kind, payload, stamp.ms);
    transaction.objectStore('operations').add(fresh);
    await finished(transaction);
    await this.remove([operation]);
  }
}

function newDevice(stamp: Stamp = { ms: 0, counter: 0 }): Device {
  return { device: newUid(), next: 1, stamp };
}

// --- the one journal of this page ---

let opening: Promise<Disk> | null = null;
let outbox: Outbox | null = null;
let account = '';

/** Private windows of some browsers have no IndexedDB: then a stand-in that lasts as long as the page. */
async function disk(): Promise<Disk> {
  opening ??= Disk.open(indexedDB, 'sostenuto');
  return opening;
}

const volatile = new Map<string, unknown>();

export async function keep(key: string, value: unknown): Promise<void> {
  volatile.set(key, value);
  try {
    await (await disk()).keep(key, value);
  } catch {
    isDurable.value = false;
  }
}

export async function kept<T>(key: string): Promise<T | undefined> {
  try {
    return await (await disk()).kept<T>(key);
  } catch {
    isDurable.value = false;
    return volatile.get(key) as T | undefined;
  }
}

/** Resolves when the change is durable on this device; delivery follows by itself. */
export async function record<K extends Kind>(kind: K, payload: Payloads[K]): Promise<void> {
  if (!account) throw new Problem('denied', 'Please sign in.', 401);
  const store = await disk();
  await store.record(account, kind, payload, Math.max(Date.now(), serverNow()));
  unsent.value = await store.count(account);
  outbox?.nudge();
}

/** A token; `isRefused`: the last one was not taken. */
export type Authority = (isRefused: boolean) => Promise<string>;

async function send(body: string, authority: Authority): Promise<{ results: Outcome[] }> {
  try {
    return await command('POST', '/ops', body, await authority(false));
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 401) throw error;
    return command('POST', '/ops', body, await authority(true));
  }
}

/** Starts delivering for this account; call again when somebody else signs in. */
export async function startOutbox(
  user: string,
  authority: Authority,
  onRefused: (operation: Operation, why: string) => void,
): Promise<void> {
  if (account === user && outbox) return outbox.nudge();
  outbox?.stop();
  account = user;
  const store = await disk();
  const post = async (body: string): Promise<{ results: Outcome[] }> => {
    try {
      const answer = await send(body, authority);
      isHeldUp.value = answer.results.some(({ outcome }) => settled(outcome) === 'again');
      return answer;
    } catch (error) {
      isHeldUp.value = error instanceof Problem && error.kind === 'busy';
      throw error;
    }
  };
  const counted: OutboxStore = {
    first: (who, limit) => store.first(who, limit),
    renew: (operation) => store.renew(operation),
    remove: async (operations) => {
      await store.remove(operations);
      unsent.value = await store.count(user);
    },
  };
  unsent.value = await store.count(user);
  outbox = new Outbox(counted, post, onRefused);
  void outbox.run(user);
}

export function stopOutbox(): void {
  outbox?.stop();
  outbox = null;
  account = '';
}

onReturn(() => outbox?.nudge());
