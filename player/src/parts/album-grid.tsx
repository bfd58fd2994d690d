// SPDX-License-Identifier: GPL-3.0-or-later
// album-grid: covers in a grid that pages for ever and draws only the rows that are seen.
import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { explain } from '../data/problem';
import type { Album } from '../model/types';
import { AlbumCard } from './albums';
import { Button, Empty, WaitingGrid } from './basics';

/** Pages of a list, fetched as far as somebody has looked. */
export class Pages<T> {
  readonly items = signal<readonly T[]>([]);
  readonly isDone = signal(false);
  readonly error = signal<unknown>(null);
  private isLoading = false;

  constructor(
    private readonly load: (offset: number, count: number) => Promise<T[]>,
    private readonly keep: (item: T) => boolean = () => true,
    private readonly page = 60,
  ) {}
  private offset = 0;

  async more(): Promise<void> {
    if (this.isLoading || this.isDone.value) return;
    this.isLoading = true;
    this.error.value = null;
    try {
      const fresh = await this.load(this.offset, this.page);
      this.offset += fresh.length;
      this.items.value = [...this.items.value, ...fresh.filter(this.keep)];
      if (fresh.length < this.page) this.isDone.value = true;
    } catch (error) {
      this.error.value = error;
    } finally {
      this.isLoading = false;
    }
  }
}

interface Shape {
  columns: number;
  rowPx: number;
  first: number; // first row drawn
  last: number;
}

const OVERSCAN = 2;

/** Which rows of a grid are near the window. */
function useShape(grid: { current: HTMLElement | null }, count: number): Shape {
  const [shape, setShape] = useState<Shape>({ columns: 5, rowPx: 260, first: 0, last: 8 });
  useEffect(() => {
    let frame = 0;
    const measure = (): void => {
      frame = 0;
      const element = grid.current;
      const card = element?.querySelector<HTMLElement>('.card');
      if (!element || !card) return;
      const style = getComputedStyle(element);
      const columns = style.gridTemplateColumns.split(' ').length;
      const rowPx = card.offsetHeight + (parseFloat(style.rowGap) || 0);
      const top = -element.getBoundingClientRect().top;
      const first = Math.max(0, Math.floor(top / rowPx) - OVERSCAN);
      const last = Math.ceil((top + innerHeight) / rowPx) + OVERSCAN;
      setShape((was) =>
        was.columns === columns && was.rowPx === rowPx && was.first === first && was.last === last
          ? was
          : { columns, rowPx, first, last },
      );
    };
    const soon = (): void => void (frame ||= requestAnimationFrame(measure));
    measure();
    addEventListener('scroll', soon, { passive: true });
    addEventListener('resize', soon);
    return () => {
      cancelAnimationFrame(frame);
      removeEventListener('scroll', soon);
      removeEventListener('resize', soon);
    };
  }, [grid, count]);
  return shape;
}

export function AlbumGrid(props: { name: string; pages: () => Pages<Album>; withYear?: boolean; none: string }): JSX.Element {
  const pages = useMemo(props.pages, [props.name]);
  const grid = useRef<HTMLDivElement>(null);
  const items = pages.items.value;
  const { columns, rowPx, first, last } = useShape(grid, items.length);
  const rows = Math.ceil(items.length / columns);
  const isNearEnd = last >= rows - 1;
  useEffect(() => {
    if (isNearEnd && !pages.error.value) void pages.more();
  }, [pages, isNearEnd, items.length]);

  const error = pages.error.value;
  if (items.length === 0 && pages.isDone.value) return <Empty title={props.none} />;
  if (items.length === 0 && !error) return <WaitingGrid />;
  const from = Math.min(first, Math.max(rows - 1, 0));
  const to = Math.min(last, rows);
  const pad = { paddingTop: `${from * rowPx}px`, paddingBottom: `${Math.max(rows - to, 0) * rowPx}px` };
  return (
    <>
      <div class="grid" ref={grid} style={pad}>
        {items.slice(from * columns, to * columns).map((album) => (
          <AlbumCard key={album.id} album={album} withYear={props.withYear ?? false} />
        ))}
      </div>
      {error !== null && (
        <Empty title="The rest could not be fetched">
          <p>{explain(error)}</p>
          <Button onClick={() => void pages.more()}>Try again</Button>
        </Empty>
      )}
    </>
  );
}
