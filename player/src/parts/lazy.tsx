// SPDX-License-Identifier: GPL-3.0-or-later
// lazy: views that few open at first, in scripts of their own.  They are fetched when the page has nothing else to do
// (warm), so that they are here when the server is not; opened before that, they are waited for, as long as it takes.
import { signal } from '@preact/signals';
import type { ComponentType, JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { Backoff, pause } from '../data/backoff';
import { Heading } from './basics';

const known: (() => Promise<unknown>)[] = [];

/** `load` is an import(); `title` stands there until it came. */
export function lazy<P extends object>(title: string, load: () => Promise<ComponentType<P>>): ComponentType<P> {
  const found = signal<ComponentType<P> | null>(null);
  let loading: Promise<void> | null = null;
  const fetchOnce = (): Promise<void> =>
    (loading ??= load()
      .then((view) => void (found.value = view))
      .finally(() => (loading = null)));
  const fetchUntilHere = async (leaving: AbortSignal): Promise<void> => {
    const backoff = new Backoff(500, 8000);
    while (!found.value && !leaving.aborted) {
      await fetchOnce().catch(() => pause(backoff.nextMs(), leaving));
    }
  };
  known.push(fetchOnce);
  return function Lazy(props: P): JSX.Element {
    useEffect(() => {
      const leaving = new AbortController();
      void fetchUntilHere(leaving.signal);
      return () => leaving.abort();
    }, []);
    const View = found.value;
    if (View) return <View {...props} />;
    return (
      <>
        <Heading>{title}</Heading>
        <span class="waiting-line" role="status" aria-label="Loading" />
      </>
    );
  };
}

/** Fetches every lazy view, one after the other, once the browser is idle. */
export function warm(): void {
  const later = globalThis.requestIdleCallback ?? ((then: () => void) => setTimeout(then, 2000));
  later(() => void known.reduce((last, load) => last.then(() => load().catch(() => undefined)), Promise.resolve<unknown>(null)));
}
