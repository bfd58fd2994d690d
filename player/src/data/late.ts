// SPDX-License-Identifier: GPL-3.0-or-later
// late: nodes that joined after this page was opened.
//
// The Content-Security-Policy of a page names the nodes of the moment in which it was opened, and cannot change while it
// lives.  When the list of nodes grows a courier is begun, from where the page came (only that may give it scripts): as long
// as that node lives, then.  What the page may not ask itself it asks through the courier.
import type { Courier } from './courier';

let own: ReadonlySet<string> | null = null; // what the page itself may ask
let met = ''; // the late ones that the courier may ask
let courier: Courier | null = null;

async function begin(late: ReadonlySet<string>, name: string): Promise<void> {
  const { Courier } = await import('./courier');
  if (met !== name) return; // the list has changed again
  courier?.retire();
  const begun = new Courier(late, () => {
    if (courier !== begun) return;
    courier = null;
    met = ''; // the next list tries again
  });
  courier = begun;
}

/** The list of nodes came.  The first one of a page is the one that its policy was made of. */
export function meet(origins: readonly string[]): void {
  own ??= new Set(origins);
  const late = new Set(origins.filter((one) => !own?.has(one) && one !== location.origin));
  const name = [...late].join();
  if (name === met) return;
  met = name;
  if (late.size) void begin(late, name).catch(() => (met = ''));
}

/** The answer, when the page's own policy does not let it ask; else null. */
export const carried = (url: string, options: RequestInit): Promise<Response> | null => (courier?.mayAsk(url) ? courier.ask(url, options) : null);
