// SPDX-License-Identifier: GPL-3.0-or-later
// session: who is signed in here, and with what authority.  The access token lives in memory only; the refresh cookie is
// HttpOnly and belongs to the browser.  A lost session never stops what is playing: it only asks for the password again.
import { signal } from '@preact/signals';
import { command } from './journal';
import { Problem } from './problem';

export interface Person {
  id: string;
  name: string;
  isAdmin: boolean;
}

export interface Session {
  accessToken: string;
  expiresAt: number; // Unix ms
  grant: string; // authority for /m and /art, as ?g=
  grantExpiresAt: number;
  user: Person;
  server: { name: string; version: string };
}

/** What stands between the person and the music. */
export type Gate = 'waiting' | 'setup' | 'sign-in' | 'open';

export const session = signal<Session | null>(null);
export const gate = signal<Gate>('waiting');

/** The listener, kept while a lapsed session is renewed, so that views and queue stay. */
export const person = signal<Person | null>(null);

const EARLY_MS = 60_000;
const GRANT_EARLY_MS = 10 * 60_000;
let grant = { value: '', expiresAt: 0 };
let renewing: Promise<Session> | null = null;

export function adopt(fresh: Session): Session {
  // The grant is part of artwork addresses: it changes only when it must, so that the browser's cache stays useful.
  const isOther = person.value?.id !== fresh.user.id;
  if (isOther || grant.expiresAt - Date.now() < GRANT_EARLY_MS) {
    grant = { value: fresh.grant, expiresAt: fresh.grantExpiresAt };
  }
  person.value = fresh.user;
  session.value = fresh;
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

export function renew(): Promise<Session> {
  renewing ??= command<Session>('POST', '/api/v1/session/refresh', {}, null)
    .then(adopt)
    .catch((error: unknown) => {
      if (error instanceof Problem && error.kind === 'denied') {
        session.value = null;
        gate.value = 'sign-in';
      }
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
  if (!isRefused && now && now.expiresAt - Date.now() > EARLY_MS) return now.accessToken;
  if (gate.value === 'sign-in') throw new Problem('denied', 'Please sign in.', 401);
  return (await renew()).accessToken;
}

export async function setUp(code: string, name: string, password: string): Promise<void> {
  try {
    adopt(await command<Session>('POST', '/api/v1/setup', { code, name, password }, null));
  } catch (error) {
    if (error instanceof Problem && error.status === 409) gate.value = 'sign-in'; // somebody was first
    throw error;
  }
}

export async function signIn(name: string, password: string): Promise<void> {
  adopt(await command<Session>('POST', '/api/v1/session', { name, password }, null));
}

export async function signOut(): Promise<void> {
  await command('DELETE', '/api/v1/session', undefined, session.value?.accessToken ?? null).catch(() => undefined);
  session.value = null;
  person.value = null;
  grant = { value: '', expiresAt: 0 };
  gate.value = 'sign-in';
}
