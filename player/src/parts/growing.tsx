// SPDX-License-Identifier: GPL-3.0-or-later
// growing: long lists draw their first rows, and more when somebody comes near the end.
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

const STEP = 300;

/** How many rows to draw, and what to put behind them. */
export function useGrowing(count: number): [number, JSX.Element | null] {
  const [shown, setShown] = useState(STEP);
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!end.current) return;
    const watch = new IntersectionObserver(([entry]) => entry?.isIntersecting && setShown(shown + STEP), {
      rootMargin: '1500px',
    });
    watch.observe(end.current);
    return () => watch.disconnect();
  }, [shown, count]);
  return [shown, shown < count ? <div ref={end} /> : null];
}
