// SPDX-License-Identifier: GPL-3.0-or-later
// lazy: a view, or a part, of the second script (state/later.ts).  Until that came its title stands there, if it has one.
import type { ComponentType, JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { found, later, type Later } from '../state/later';
import { Heading } from './basics';

export function lazy<P extends object>(title: string, view: (from: Later) => ComponentType<P>): ComponentType<P> {
  return function Lazy(props: P): JSX.Element | null {
    useEffect(() => void later(), []);
    if (found.value) {
      const View = view(found.value);
      return <View {...props} />;
    }
    if (!title) return null;
    return (
      <>
        <Heading>{title}</Heading>
        <span class="waiting-line" role="status" aria-label="Loading" />
      </>
    );
  };
}
