// SPDX-License-Identifier: GPL-3.0-or-later
// menu: a button that opens a short list of actions (WAI-ARIA menu button pattern).
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { IconButton } from './basics';
import type { IconName } from './icon';

export interface Action {
  name: string;
  run: () => void;
}

export function Menu(props: { label: string; icon?: IconName; actions: () => Action[] }): JSX.Element {
  const [isOpen, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const items = (): HTMLElement[] => [...(root.current?.querySelectorAll<HTMLElement>('[role=menuitem]') ?? [])];

  useEffect(() => {
    if (!isOpen) return;
    items()[0]?.focus();
    const outside = (event: Event): void => {
      if (!root.current?.contains(event.target as Node)) setOpen(false);
    };
    addEventListener('pointerdown', outside);
    addEventListener('focusin', outside);
    return () => {
      removeEventListener('pointerdown', outside);
      removeEventListener('focusin', outside);
    };
  }, [isOpen]);

  const close = (): void => {
    setOpen(false);
    root.current?.querySelector<HTMLElement>('button')?.focus();
  };
  const onKey = (event: KeyboardEvent): void => {
    if (!isOpen) return;
    event.stopPropagation();
    const all = items();
    const at = all.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 + all.length, Home: 0, End: all.length - 1 }[event.key];
    if (to !== undefined) all[to % all.length]?.focus();
    else if (event.key === 'Escape' || event.key === 'Tab') close();
    if (to !== undefined || event.key === 'Escape') event.preventDefault();
  };
  const run = (action: Action): void => {
    close();
    action.run();
  };
  return (
    <div class="menu" ref={root} onKeyDown={onKey}>
      <IconButton icon={props.icon ?? 'more'} label={props.label} onClick={() => setOpen(!isOpen)} />
      {isOpen && (
        <div class="menu-list" role="menu" aria-label={props.label}>
          {props.actions().map((action) => (
            <button type="button" role="menuitem" tabIndex={-1} key={action.name} onClick={() => run(action)}>
              {action.name}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
