// SPDX-License-Identifier: GPL-3.0-or-later
// requests: what an admin asked of an edge whose origin was away (docs/decisions/042-requests.md), and what became of it.
import { computed, effect, signal } from '@preact/signals';
import { api, type NodeStatus } from '../data/objects';
import { person } from '../data/session';
import { say } from './notices';
import { outdate } from './reads';

export interface Asked {
  id: string;
  state: 'waiting' | 'done' | 'refused';
  words: string; // one line, true as it stands
  what: string; // make, change, delete
  account: string;
  name?: string;
  isAdmin?: boolean;
  isDisabled?: boolean;
  libraries?: number[] | null;
  askedAt: number;
  why?: string;
}

/** Newest first; decided ones for a week. */
export const requests = signal<Asked[]>([]);
/** How many wait for the origin. */
export const asked = computed(() => requests.value.filter(({ state }) => state === 'waiting').length);

let isRead = false;

export async function readRequests(): Promise<void> {
  const before = asked.peek();
  requests.value = await api<Asked[]>('/api/v1/requests').catch(() => requests.peek());
  isRead = true;
  if (asked.peek() >= before) return;
  say('The origin has decided what you asked: see Settings');
  outdate('users');
}

/** Looks again while there may be some: once, then while one waits, or may be asked. */
export async function readAsked(health: NodeStatus | null): Promise<void> {
  if (person.peek()?.isAdmin && (!isRead || asked.peek() > 0 || health?.link === 'island')) await readRequests();
}

effect(() => {
  if (person.value) return;
  isRead = false;
  requests.value = [];
});
