// SPDX-License-Identifier: GPL-3.0-or-later
// boot: from an empty page to music: settings, who is here, queue, outbox, events.  Waits for a server that is away.
import { effect, signal } from '@preact/signals';
import { Backoff, pause } from '../data/backoff';
import { link } from '../data/link';
import { startOutbox, stopOutbox } from '../data/journal';
import { readNodes } from '../data/manifests';
import { restoreNodes } from '../data/nodes';
import { follow, move, status, type ServerEvent, type Status } from '../data/objects';
import { Problem } from '../data/problem';
import { gate, person, renew, token } from '../data/session';
import { forgetMarks } from './marks';
import { say } from './notices';
import { forgetQueue, restoreQueue } from './playing';
import { forgetAll, outdate } from './reads';
import { asked, readRequests } from './requests';
import { restoreSettings } from './settings';

export const server = signal<Status | null>(null);
export const scan = signal<NonNullable<Status['scanning']> | null>(null);

/** The name in the browser's history of sessions: signing in after this is not a surprise. */
export async function boot(): Promise<void> {
  await Promise.all([restoreSettings(), restoreNodes()]);
  const backoff = new Backoff(500, 8000);
  for (;;) {
    try {
      server.value = await status();
      scan.value = server.value.scanning ?? null;
      if (server.value.needsSetup) gate.value = 'setup';
      else await renew();
      return;
    } catch (error) {
      if (error instanceof Problem && error.kind === 'denied') return; // renew() has shown the way
      await pause(backoff.nextMs());
    }
  }
}

let who = '';

effect(() => {
  const id = person.value?.id ?? '';
  if (id === who) return;
  who = id;
  forgetAll();
  forgetMarks();
  forgetQueue();
  stopOutbox();
  if (!id) return;
  void restoreQueue();
  void startOutbox(id, token, (operation, why) => {
    say(`The server did not take a change (${operation.kind}): ${why}`, true);
    forgetMarks();
    outdate('');
  }).catch(() => say('This browser keeps nothing: stars, plays and playlists need storage.', true));
  void followEvents(id);
});

const hearNodes = (signal: AbortSignal): Promise<void> => readNodes(signal).catch(() => undefined); // what is kept goes on

async function followEvents(id: string): Promise<void> {
  const stopping = new AbortController();
  const backoff = new Backoff(1000, 15_000);
  const stop = effect(() => {
    if ((person.value?.id ?? '') !== id) stopping.abort();
  });
  while (!stopping.signal.aborted) {
    void hearNodes(stopping.signal);
    try {
      await follow((event) => {
        backoff.reset();
        if (event.event === 'nodes') void hearNodes(stopping.signal);
        else onEvent(event);
      }, stopping.signal);
    } catch {
      // away or refused: the link says so, we try again
    }
    await pause(backoff.nextMs(), stopping.signal);
    while (link.value.isAway && !stopping.signal.aborted) await pause(500, stopping.signal);
  }
  stop();
}

function onEvent({ event, data }: ServerEvent): void {
  if (event === 'scan') scan.value = parse(data) ?? scan.value;
  else if (event === 'move') move();
  else if (event === 'catalog') outdate('');
  else if (event === 'state') {
    outdate('home:recent', 'home:frequent', 'home:starred', 'playlist');
    if (asked.value > 0) void readRequests();
  }
}

function parse(data: string): NonNullable<Status['scanning']> | null {
  try {
    return JSON.parse(data) as NonNullable<Status['scanning']>;
  } catch {
    return null;
  }
}
