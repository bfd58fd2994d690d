// SPDX-License-Identifier: GPL-3.0-or-later
import type { JSX } from 'preact';
import { go, route } from '../state/route';
import { Icon } from './icon';

export const queryOf = (): string => route.value.search.get('q') ?? '';

/** Stands in the header of every page; typing opens the results. */
export function SearchField(): JSX.Element {
  const type = (text: string): void => {
    const isHere = route.value.view === 'search';
    go(`/search?q=${encodeURIComponent(text)}`, isHere);
  };
  return (
    <form class="search" role="search" onSubmit={(event) => event.preventDefault()}>
      <Icon name="search" />
      <input
        id="search"
        type="search"
        placeholder="Search"
        aria-label="Search artists, albums and songs"
        autocomplete="off"
        spellcheck={false}
        value={route.value.view === 'search' ? queryOf() : ''}
        onFocus={() => route.value.view !== 'search' && innerWidth < 760 && go('/search')}
        onInput={(event) => type(event.currentTarget.value)}
      />
      <kbd aria-hidden="true">/</kbd>
    </form>
  );
}
