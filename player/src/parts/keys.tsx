// SPDX-License-Identifier: GPL-3.0-or-later
// keys: everything works without a mouse.  One table makes the shortcuts and the help sheet.
import type { JSX } from 'preact';
import { current, cycleRepeat, next, previous, queue, setVolume, shuffleRest, skip, toggle, toggleMute } from '../state/playing';
import { isStarred, star } from '../state/marks';
import { back, go, route } from '../state/route';
import { settings } from '../state/settings';
import { closeDialog, isDialogOpen, showDialog } from './dialog';
import { DialogFrame } from './dialogs';

interface Shortcut {
  keys: readonly string[]; // as KeyboardEvent.key; 'Shift+' in front when needed
  shown: string;
  what: string;
  run: () => void;
}

function starCurrent(): void {
  const song = current.value?.song;
  if (song) star(song, !isStarred(song));
}

function focusRow(by: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>('main [data-row]')].filter((row) => row.offsetParent);
  const at = rows.indexOf(document.activeElement as HTMLElement);
  const to = rows[Math.min(Math.max(at < 0 ? (by > 0 ? 0 : rows.length - 1) : at + by, 0), rows.length - 1)];
  to?.focus();
  to?.scrollIntoView({ block: 'nearest' });
}

export function focusSearch(): void {
  if (route.value.view !== 'search') go('/search');
  requestAnimationFrame(() => document.querySelector<HTMLInputElement>('#search')?.focus());
}

const louder = (by: number): void => setVolume(settings.value.volume + by);

const groups: readonly (readonly [string, readonly Shortcut[]])[] = [
  [
    'Playing',
    [
      { keys: [' '], shown: 'Space', what: 'Play or pause', run: toggle },
      { keys: ['n'], shown: 'n', what: 'Next song', run: next },
      { keys: ['p'], shown: 'p', what: 'Start of this song, or the song before', run: previous },
      { keys: ['ArrowRight'], shown: '→', what: 'Ten seconds on', run: () => skip(10) },
      { keys: ['ArrowLeft'], shown: '←', what: 'Ten seconds back', run: () => skip(-10) },
      { keys: ['+', '='], shown: '+', what: 'Louder', run: () => louder(0.05) },
      { keys: ['-'], shown: '−', what: 'Softer', run: () => louder(-0.05) },
      { keys: ['m'], shown: 'm', what: 'Mute', run: toggleMute },
      { keys: ['l'], shown: 'l', what: 'Star the song that plays', run: starCurrent },
      { keys: ['r'], shown: 'r', what: 'Repeat: off, the queue, this song', run: cycleRepeat },
      { keys: ['s'], shown: 's', what: 'Shuffle what follows', run: () => queue.value.entries.length > 1 && shuffleRest() },
    ],
  ],
  [
    'Moving about',
    [
      { keys: ['/'], shown: '/', what: 'Search', run: focusSearch },
      { keys: ['j'], shown: 'j', what: 'Next row', run: () => focusRow(1) },
      { keys: ['k'], shown: 'k', what: 'Row before', run: () => focusRow(-1) },
      { keys: ['h'], shown: 'h', what: 'Home', run: () => go('/') },
      { keys: ['a'], shown: 'a', what: 'Albums', run: () => go('/albums') },
      { keys: ['t'], shown: 't', what: 'Artists', run: () => go('/artists') },
      { keys: ['g'], shown: 'g', what: 'Genres', run: () => go('/genres') },
      { keys: ['y'], shown: 'y', what: 'Playlists', run: () => go('/playlists') },
      { keys: ['q'], shown: 'q', what: 'Queue', run: () => go('/queue') },
      { keys: ['v'], shown: 'v', what: 'Now playing and lyrics', run: () => go('/now') },
      { keys: [','], shown: ',', what: 'Settings', run: () => go('/settings') },
      { keys: ['b', 'Backspace'], shown: 'b', what: 'Back', run: back },
      { keys: ['?'], shown: '?', what: 'This sheet', run: showHelp },
    ],
  ],
];

const byKey = new Map(groups.flatMap(([, all]) => all.flatMap((one) => one.keys.map((key) => [key, one] as const))));

export function showHelp(): void {
  showDialog(
    <DialogFrame title="Keyboard">
      <KeyTable />
    </DialogFrame>,
  );
}

export function KeyTable(): JSX.Element {
  return (
    <div class="keys">
      {groups.map(([title, all]) => (
        <section key={title}>
          <h3>{title}</h3>
          <dl>
            {all.map((one) => (
              <div key={one.shown}>
                <dt>
                  <kbd>{one.shown}</kbd>
                </dt>
                <dd>{one.what}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
      <p class="muted">In a list: Enter plays. On a grip: arrow keys move the row.</p>
    </div>
  );
}

/** Keys belong to fields, sliders, menus and dialogs first. */
function isTaken(event: KeyboardEvent): boolean {
  const element = event.target as HTMLElement | null;
  if (!element?.matches) return false;
  if (element.matches('input:not([type=range]), textarea, select, [contenteditable]')) return true;
  if (element.matches('[role=menuitem]')) return true;
  if (element.matches('input[type=range]')) return event.key.startsWith('Arrow');
  return event.key === ' ' && element.matches('button, a, summary');
}

export function startKeys(): void {
  addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (isDialogOpen()) {
      if (event.key === '?' || event.key === 'Escape') closeDialog();
      return;
    }
    if (isTaken(event)) {
      if (event.key === 'Escape') (event.target as HTMLElement).blur();
      return;
    }
    const found = byKey.get(event.key);
    if (!found) return;
    event.preventDefault();
    found.run();
  });
}
