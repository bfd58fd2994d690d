// SPDX-License-Identifier: GPL-3.0-or-later
// sortable: rows that are moved by dragging their grip, or by keyboard: Alt with arrow keys on any part of the row.
import type { ComponentChildren, JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { say } from '../state/notices';
import { Icon } from './icon';

export interface GripProps {
  name: string;
  index: number;
  count: number;
  onMove: (to: number) => void;
}

/** The list; `data-index` on its rows says where a drag stands. */
export function Sortable(props: { class: string; onMove: (from: number, to: number) => void; children: ComponentChildren }): JSX.Element {
  const list = useRef<HTMLDivElement>(null);
  const [drag, setDrag] = useState<{ from: number; to: number } | null>(null);

  const rowAt = (y: number): number => {
    const rows = [...(list.current?.querySelectorAll<HTMLElement>('[data-index]') ?? [])];
    const under = rows.find((row) => y < row.getBoundingClientRect().bottom) ?? rows.at(-1);
    return Number(under?.dataset.index ?? 0);
  };
  const begin = (event: PointerEvent): void => {
    const grip = (event.target as Element).closest<HTMLElement>('.grip');
    const row = grip?.closest<HTMLElement>('[data-index]');
    if (!grip || !row) return;
    event.preventDefault();
    grip.setPointerCapture(event.pointerId);
    const from = Number(row.dataset.index);
    setDrag({ from, to: from });
  };
  const follow = (event: PointerEvent): void => {
    if (drag) setDrag({ ...drag, to: rowAt(event.clientY) });
  };
  const end = (): void => {
    if (drag && drag.from !== drag.to) props.onMove(drag.from, drag.to);
    setDrag(null);
  };
  const mark = drag && drag.from !== drag.to ? (drag.to > drag.from ? 'below' : 'above') : '';
  return (
    <div
      class={`${props.class} ${drag ? 'dragging' : ''}`}
      ref={list}
      onPointerDown={begin}
      onPointerMove={follow}
      onPointerUp={end}
      onPointerCancel={() => setDrag(null)}
      data-drop={mark ? `${drag?.to} ${mark}` : undefined}
    >
      {mark && drag && <DropStyle list={list.current} to={drag.to} below={mark === 'below'} />}
      {props.children}
    </div>
  );
}

/** A line where the row would land. */
function DropStyle({ list, to, below }: { list: HTMLElement | null; to: number; below: boolean }): JSX.Element | null {
  const row = list?.querySelector<HTMLElement>(`[data-index="${to}"]`);
  if (!row) return null;
  return <span class="drop" style={{ top: `${row.offsetTop + (below ? row.offsetHeight : 0)}px` }} />;
}

export function Grip({ name, index, count, onMove }: GripProps): JSX.Element {
  const onKey = (event: KeyboardEvent): void => {
    const to = { ArrowUp: index - 1, ArrowDown: index + 1, Home: 0, End: count - 1 }[event.key];
    if (to === undefined || to < 0 || to >= count) return;
    event.preventDefault();
    event.stopPropagation();
    onMove(to);
    say(`${name}: place ${to + 1} of ${count}`);
    refocus(event.currentTarget as HTMLElement, to);
  };
  return (
    <button
      type="button"
      class="grip icon-button"
      aria-label={`Move ${name}, place ${index + 1} of ${count}. Use the arrow keys.`}
      onKeyDown={onKey}
    >
      <Icon name="grip" />
    </button>
  );
}

/** The focus goes with the row that moved. */
function refocus(grip: HTMLElement, to: number): void {
  const list = grip.closest('.sortable');
  setTimeout(() => list?.querySelector<HTMLElement>(`[data-index="${to}"] .grip`)?.focus(), 30);
}
