// SPDX-License-Identifier: GPL-3.0-or-later
// route: the address bar as a signal.  Paths are the player's own; the server answers each with the same page.
import { signal } from '@preact/signals';

export interface Route {
  view: string; // first part of the path, '' for home
  id: string; // second part, decoded
  search: URLSearchParams;
  path: string;
}

function parse(): Route {
  const [, view = '', id = ''] = location.pathname.split('/');
  return { view, id: decode(id), search: new URLSearchParams(location.search), path: location.pathname };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export const route = signal<Route>(parse());

const scrolls = new Map<string, number>();

/** Goes to a path of the player; `replace` keeps it out of the history (typing in the search field). */
export function go(path: string, replace = false): void {
  if (path === location.pathname + location.search) return;
  scrolls.set(location.pathname, scrollY);
  history[replace ? 'replaceState' : 'pushState'](null, '', path);
  const was = route.value.path;
  route.value = parse();
  if (route.value.path !== was) scrollTo(0, 0);
}

export function back(): void {
  if (history.length > 1) history.back();
  else go('/');
}

/** Where this path was left, for coming back by the browser's button. */
export const savedScroll = (path: string): number => scrolls.get(path) ?? 0;

addEventListener('popstate', () => {
  route.value = parse();
  requestAnimationFrame(() => scrollTo(0, savedScroll(location.pathname)));
});

/** Plain clicks on links of ours stay in the page; everything else is the browser's. */
addEventListener('click', (event) => {
  const link = (event.target as Element | null)?.closest?.('a');
  if (!link || event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || link.target || link.origin !== location.origin) return;
  if (link.hasAttribute('download') || link.getAttribute('href')?.startsWith('#')) return;
  event.preventDefault();
  go(link.pathname + link.search);
});

export const paths = {
  album: (id: string): string => `/album/${encodeURIComponent(id)}`,
  artist: (id: string): string => `/artist/${encodeURIComponent(id)}`,
  genre: (name: string): string => `/albums?genre=${encodeURIComponent(name)}`,
  playlist: (id: string): string => `/playlist/${encodeURIComponent(id)}`,
};
