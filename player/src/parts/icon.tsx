// SPDX-License-Identifier: GPL-3.0-or-later
// icon: line drawings on a 24 grid; always decoration, the name is on the button.
import type { JSX } from 'preact';

const drawings = {
  play: 'M7 4.5v15l12-7.5z',
  pause: 'M7.5 5v14M16.5 5v14',
  next: 'M5 5l10 7-10 7zM19 5v14',
  previous: 'M19 5L9 12l10 7zM5 5v14',
  star: 'M12 3.6l2.5 5.3 5.8.7-4.3 4 1.1 5.8L12 16.6l-5.1 2.8L8 13.6l-4.3-4 5.8-.7z',
  more: 'M5 12h.01M12 12h.01M19 12h.01',
  search: 'M10.5 4a6.5 6.5 0 100 13 6.5 6.5 0 000-13zM15.5 15.5L20 20',
  queue: 'M4 6h16M4 12h10M4 18h10M18 12v6M18 18a2 2 0 11-.01 0',
  lyrics: 'M4 6h16M4 10.5h11M4 15h16M4 19.5h8',
  volume: 'M4 9.5v5h3.5L12 19V5L7.5 9.5zM16 9a4.2 4.2 0 010 6M18.6 6.4a8 8 0 010 11.2',
  muted: 'M4 9.5v5h3.5L12 19V5L7.5 9.5zM16 9.5l5 5M21 9.5l-5 5',
  repeat: 'M5 11V9.5A2.5 2.5 0 017.5 7H19M16 4l3 3-3 3M19 13v1.5a2.5 2.5 0 01-2.5 2.5H5M8 20l-3-3 3-3',
  shuffle: 'M4 7h3.5c4 0 5 10 9 10H20M17.5 14.5L20 17l-2.5 2.5M4 17h3.5c1.5 0 2.6-1.4 3.5-3M13 10c.9-1.6 2-3 3.5-3H20M17.5 4.5L20 7l-2.5 2.5',
  plus: 'M12 5v14M5 12h14',
  close: 'M6 6l12 12M18 6L6 18',
  grip: 'M9 6h.01M15 6h.01M9 12h.01M15 12h.01M9 18h.01M15 18h.01',
  genre: 'M9.5 4l-2 16M16.5 4l-2 16M5 9h15M4 15h15',
  home: 'M4 11l8-6.5 8 6.5v8.5h-5.5V14h-5v5.5H4z',
  disc: 'M12 3.5a8.5 8.5 0 100 17 8.5 8.5 0 000-17zM12 10a2 2 0 100 4 2 2 0 000-4z',
  person: 'M12 4a4 4 0 100 8 4 4 0 000-8zM4.5 20.5c.6-4 3.6-6 7.5-6s6.900 2 7.500 6',
  list: 'M8 6h12M8 12h12M8 18h12M4 6h.01M4 12h.01M4 18h.01',
} as const;

export type IconName = keyof typeof drawings;

const solid: readonly IconName[] = ['play', 'next', 'previous'];

export function Icon({ name, filled = false }: { name: IconName; filled?: boolean }): JSX.Element {
  const isFilled = filled || solid.includes(name);
  return (
    <svg class={`icon${isFilled ? ' filled' : ''}`} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={drawings[name]} />
    </svg>
  );
}

/** The mark: a note that is held by the pedal's line. */
export function Mark(): JSX.Element {
  return (
    <svg class="mark" viewBox="0 0 48 32" aria-hidden="true" focusable="false">
      <path class="pedal" d="M3 20v8h42v-8" />
      <path class="stem" d="M27.200 17V2" />
      <ellipse class="head" cx="21.500" cy="18" rx="6.400" ry="4.400" transform="rotate(-22 21.500 18)" />
    </svg>
  );
}
