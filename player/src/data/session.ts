// SPDX-License-Identifier: GPL-3.0-or-later
// session: who is signed in here, and with what authority.  Where the browser has a key (proof.ts) the session is bound to it:
// the last access token is kept on disk and is worth nothing without the key.  Elsewhere an HttpOnly cookie renews it, and
// the token lives in memory only.  A lost session never stops what is playing: it only asks for the password again.
import { signal } from '@preact/signals';
import { command, keep, kept } from './journal';
import { Problem } from './problem';
import { prove } from './proof';
import { serverNow } from './server-clock';

export interface Person {
  id: string;
  name: string;
  isAdmin: boolean;
}

export interface Session {
  accessToken: string;
  expiresAt: number; // Unix ms of the server's clock, as the other
  grant: string; // authority for /m and /art, as ?g=
  grantExpiresAt: number;
  isBound?: boolean; // to this browser's key
  passwordIsExposed?: boolean; // an edge that held its hash was lost
  user: Person;
  server: { name: string; version: string };
}

/** What stands between the person and the music. */
export type Gate = 'waiting' | 'setup' | 'sign-in' | 'open';

export const session = signal<Session | null>(null);
export const gate = signal<Gate>('waiting');

/** Whether to ask for another password; null until a server says so, false once it was heard. */
export const isExposed = signal<boolean | null>(null);

/** Why the node in use cannot renew this session, in its words; empty when it can. */
export const unrenewed = signal('');

/** The listener, kept while a lapsed session is renewed, so that views and queue stay. */
export const person = signal<Person | null>(null);

/** Passkeys belong to a name: not to an address, and not to plain http. */
export const hasPasskeys = (): boolean =>
  isSecureContext && 'PublicKeyCredential' in globalThis && !/^[\d.]+$|:/.test(location.hostname);

const EARLY_MS = 60_000;
const GRANT_EARLY_MS = 10 * 60_000;
let grant = { value: '', expiresAt: 0 };
let renewing: Promise<Session> | null = null;

export function adopt(fresh: Session): Session {
  // The grant is part of artwork addresses: it changes only when it must, so that the browser's cache stays useful.
  const isOther = person.value?.id !== fresh.user.id;
  if (isOther || grant.expiresAt - serverNow() < GRANT_EARLY_MS) {
    grant = { value: fresh.grant, expiresAt: fresh.grantExpiresAt };
  }
  if (isOther) isExposed.value = null;
  if (fresh.passwordIsExposed) isExposed.value ??= true;
  void keep('bound-token', fresh.isBound ? fresh.accessToken : '');
  person.value = fresh.user;
  session.value = fresh;
  unrenewed.value = '';
  gate.value = 'open';
  return fresh;
}

export function currentGrant(): string {
  return grant.value;
}

/** Forces the next address to carry a new grant (the server refused the one we had). */
export async function renewGrant(): Promise<void> {
  grant = { value: '', expiresAt: 0 };
  await renew();
}

async function refreshed(): Promise<Session> {
  const path = '/api/v1/session/refresh';
  const token = await kept<string>('bound-token');
  if (token) return command<Session>('POST', path, { token }, null, prove);
  return command<Session>('POST', location.origin + path, {}, null); // a cookie is good where it was set
}

export function renew(): Promise<Session> {
  renewing ??= refreshed()
    .then(adopt)
    .catch((error: unknown) => {
      if (error instanceof Problem && (error.status === 401 || (error.kind === 'denied' && !session.value))) {
        session.value = null;
        gate.value = 'sign-in';
      }
      if (error instanceof Problem && error.kind === 'busy') unrenewed.value = error.message;
      throw error;
    })
    .finally(() => {
      renewing = null;
    });
  return renewing;
}

/** A token that is good for the next minute, renewed when needed. */
export async function token(isRefused = false): Promise<string> {
  const now = session.value;
  if (!isRefused && now && now.expiresAt - serverNow() > EARLY_MS) return now.accessToken;
  if (gate.value === 'sign-in') throw new Problem('denied', 'Please sign in.', 401);
  return (await renew()).accessToken;
}

export async function setUp(code: string, name: string, password: string): Promise<void> {
  try {
    adopt(await command<Session>('POST', '/api/v1/setup', { code, name, password }, null, prove));
  } catch (error) {
    if (error instanceof Problem && error.status === 409) gate.value = 'sign-in'; // somebody was first
    throw error;
  }
}

export async function signIn(name: string, password: string): Promise<void> {
  adopt(await command<Session>('POST', '/api/v1/session', { name, password }, null, prove));
}

export async function signOut(): Promise<void> {
  await command('DELETE', '/api/v1/session', undefined, session.value?.accessToken ?? null).catch(() => undefined);
  await keep('bound-token', '');
  session.value = null;
  person.value = null;
  grant = { value: '', expiresAt: 0 };
  gate.value = 'sign-in';
}
