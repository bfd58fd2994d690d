// SPDX-License-Identifier: GPL-3.0-or-later
// notices: short words about what was done, read out by screen readers.  Never a pop-up that must be dismissed.
import { signal } from '@preact/signals';

export interface Notice {
  id: number;
  text: string;
  isProblem: boolean;
}

export const notices = signal<readonly Notice[]>([]);
let nextId = 1;

export function say(text: string, isProblem = false): void {
  if (notices.value.at(-1)?.text === text) return;
  const notice = { id: nextId++, text, isProblem };
  notices.value = [...notices.value.slice(-2), notice];
  setTimeout(() => (notices.value = notices.value.filter((one) => one !== notice)), isProblem ? 8000 : 4000);
}
