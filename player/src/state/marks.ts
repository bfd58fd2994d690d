// SPDX-License-Identifier: GPL-3.0-or-later
// marks: stars and ratings as this person last set them here, laid over what the server said.
import { signal } from '@preact/signals';
import { record } from '../data/journal';
import { explain } from '../data/problem';
import { say } from './notices';

interface Marked {
  id: string;
  starred?: string | undefined;
  userRating?: number | undefined;
}

const stars = signal<ReadonlyMap<string, boolean>>(new Map());
const ratings = signal<ReadonlyMap<string, number>>(new Map());

export const isStarred = (thing: Marked): boolean => stars.value.get(thing.id) ?? Boolean(thing.starred);
export const ratingOf = (thing: Marked): number => ratings.value.get(thing.id) ?? thing.userRating ?? 0;

export function star(thing: Marked, on: boolean): void {
  const before = stars.value;
  stars.value = new Map(before).set(thing.id, on);
  record('star', { id: thing.id, on, at: Date.now() }).catch((error: unknown) => {
    stars.value = before;
    say(`The star could not be kept: ${explain(error)}`, true);
  });
}

export function rate(thing: Marked, value: number): void {
  const before = ratings.value;
  ratings.value = new Map(before).set(thing.id, value);
  record('rating', { id: thing.id, stars: value }).catch((error: unknown) => {
    ratings.value = before;
    say(`The rating could not be kept: ${explain(error)}`, true);
  });
}

/** Somebody else listens now, or the server refused one: its answers count again. */
export function forgetMarks(): void {
  stars.value = new Map();
  ratings.value = new Map();
}
