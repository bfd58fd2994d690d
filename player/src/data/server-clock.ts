// SPDX-License-Identifier: GPL-3.0-or-later
// server-clock: what time it is where tokens are made and judged.  A device's clock may be an hour off; what a server says
// ends at such a time is compared with this, so nobody is signed out by it, nor renewed at every step.

let aheadMs = 0; // of this device's clock; the last answer's

/** An answer's Date (RFC 9110 6.6.1), just come and from no cache; what is no date is passed over. */
export function hearDate(date: string | null): void {
  const ms = Date.parse(date ?? '');
  if (ms) aheadMs = ms - Date.now();
}

export const serverNow = (): number => Date.now() + aheadMs;

/** A server's time as this device's clock shows it. */
export const hereMs = (serverMs: number): number => serverMs - aheadMs;
