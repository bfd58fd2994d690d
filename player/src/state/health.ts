// SPDX-License-Identifier: GPL-3.0-or-later
// health: what the node in use says of itself (docs/formats/status.md), and the one sentence that a listener needs to know.
import { computed, effect, signal, untracked } from '@preact/signals';
import { pause } from '../data/backoff';
import { isDurable, isHeldUp, unsent } from '../data/journal';
import { link } from '../data/link';
import { node, nodeName } from '../data/nodes';
import { nodeStatus, type NodeStatus } from '../data/objects';
import { gate, session, unrenewed } from '../data/session';
import { hereMs } from '../data/server-clock';
import { trouble as sentence } from '../model/trouble';
import { age, lonely } from '../model/words';
import { isPlaying } from './playing';
import { outdate } from './reads';
import { asked, readAsked } from './requests';

const EVERY_MS = 20_000;
const WORSE_MS = 5000; // while something is wrong: that it passed is seen soon

const health = signal<NodeStatus | null>(null);

/** "paris · linked", "paris · island · 5 min old"; empty where there is one node only. */
export const place = computed(() => {
  const { value } = health;
  if (!value || value.role !== 'edge' || link.value.isAway) return '';
  const isOld = value.age !== undefined && value.age >= 60;
  return [nodeName() || 'edge', value.link, isOld && `${age(value.age as number)} old`].filter(Boolean).join(' · ');
});

/** Why this sign-in is not renewed at the node in use; empty while it is, or need not be. */
function signInWords(): string {
  const now = session.value;
  if (node.value && now?.isBound === false) return lonely(location.host, hereMs(now.expiresAt), Date.now());
  return unrenewed.value;
}

/** Whether the node in use has no origin just now. */
export const isIsland = computed(() => health.value?.link === 'island' && !link.value.isAway);

/** What is wrong, and what works nevertheless; empty when nothing is. */
export const trouble = computed(() =>
  sentence({
    awaySince: link.value.isAway ? link.value.since : undefined,
    signIn: signInWords(),
    link: health.value?.link,
    draining: health.value?.draining,
    node: nodeName(),
    unsent: unsent.value,
    isHeldUp: isHeldUp.value,
    isDurable: isDurable.value,
    asked: asked.value,
    isPlaying: isPlaying.value,
  }),
);

async function look(): Promise<void> {
  const was = health.peek()?.link;
  health.value = await nodeStatus();
  if (was === 'island' && health.peek()?.link === 'linked') outdate(''); // what an island could not show
  await readAsked(health.peek());
}

async function watch(): Promise<void> {
  for (;;) {
    if (gate.value === 'open' && !document.hidden) await look();
    const { link: how, draining } = health.peek() ?? {};
    await pause(how === 'linked' && !draining ? EVERY_MS : WORSE_MS);
  }
}

void watch();
effect(() => {
  if (gate.value === 'open' && node.value !== null) void untracked(look); // at once after a sign-in, and at another node; not for each answer
});
