// SPDX-License-Identifier: GPL-3.0-or-later
// marks: stars as this person last set them here, laid over what the server said.
import { signal } from '@preact/signals';
import { record } from '../data/journal';
import { explain } from '../data/problem';
import { say } from './notices';

interface Marked {
  id: string;
  starred?: string | undefined;
}

const stars = signal<ReadonlyMap<string, boolean>>(new Map());

export const isStarred = (thing: Marked): boolean => stars.value.get(thing.id) ?? Boolean(thing.starred);

export function star(thing: Marked, on: boolean): void {
  const before = stars.value;
  stars.value = new Map(before).set(thing.id, on);
  record('star', { id: thing.id, on, at: Date.now() }).catch((error: unknown) => {
    stars.value = before;
    say(`The star could not be kept: ${explain(error)}`, true);
  });
}

/** Somebody else listens now, or the server refused one: its answers count again. */
export function forgetMarks(): void {
  stars.value = new Map();
}
