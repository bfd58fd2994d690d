// SPDX-License-Identifier: GPL-3.0-or-later
// section: one headed block of the settings.
import type { ComponentChildren, JSX } from 'preact';

export function Section({ title, children }: { title: string; children: ComponentChildren }): JSX.Element {
  return (
    <section class="settings-section">
      <h2>{title}</h2>
      <div>{children}</div>
    </section>
  );
}
