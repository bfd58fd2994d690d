// SPDX-License-Identifier: GPL-3.0-or-later
// settings-requests: what was asked of the origin while it was away, below the people that it is about.
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { count, day, timeOfDay } from '../model/words';
import { readRequests, requests, type Asked } from '../state/requests';

/** Of accounts that this page showed: one that was removed has no name any more. */
const names = new Map<string, string>();

function known(account: string, name: string): string {
  if (name) names.set(account, name);
  return name || (names.get(account) ?? '');
}

/** "Add carl", "anna: an admin, may listen again". */
export function wish(one: Asked, nameOf: (account: string) => string): string {
  const name = known(one.account, nameOf(one.account)) || one.name || 'an account';
  if (one.what === 'make') return `Add ${one.name ?? name}${one.isAdmin ? ' as an admin' : ''}`;
  if (one.what === 'delete') return `Remove ${name}`;
  const changes = [
    one.name !== undefined && one.name !== name && `call them ${one.name}`,
    one.isAdmin !== undefined && (one.isAdmin ? 'make an admin' : 'make an ordinary listener'),
    one.isDisabled !== undefined && (one.isDisabled ? 'lock out' : 'let in again'),
    one.libraries !== undefined && (one.libraries ? `give ${count(one.libraries.length, 'library', 'libraries')}` : 'give all libraries'),
  ];
  return `${name}: ${changes.filter(Boolean).join(', ') || 'change'}`;
}

const STATES = { waiting: 'kept; the origin decides when it is back', done: 'done', refused: 'refused' };

function when({ askedAt }: Asked): string {
  return new Date(askedAt).toDateString() === new Date().toDateString() ? timeOfDay(askedAt) : day(askedAt);
}

export function Requests({ nameOf }: { nameOf: (account: string) => string }): JSX.Element | null {
  useEffect(() => void readRequests(), []);
  if (requests.value.length === 0) return null;
  return (
    <>
      <h3>Asked while the origin was away</h3>
      <ul class="rows requests">
        {requests.value.map((one) => (
          <li key={one.id}>
            <span>{wish(one, nameOf)}</span>
            <span class="muted">
              asked {when(one)} · {STATES[one.state]}
              {one.why && `: ${one.why}`}
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}
