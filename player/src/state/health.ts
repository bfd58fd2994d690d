// SPDX-License-Identifier: GPL-3.0-or-later
// health: what the node in use says of itself (docs/formats/status.md), and the one sentence that a listener needs to know.
import { computed, effect, signal } from '@preact/signals';
import { pause } from '../data/backoff';
import { unsent } from '../data/journal';
import { link } from '../data/link';
import { node, nodeName } from '../data/nodes';
import { nodeStatus, type NodeStatus } from '../data/objects';
import { gate, session } from '../data/session';
import { count, lonely, span, timeOfDay } from '../model/words';
import { isPlaying } from './playing';

const EVERY_MS = 20_000;

const health = signal<NodeStatus | null>(null);

/** "paris · linked", "paris · island · 5 min old"; empty where there is one node only. */
export const place = computed(() => {
  const { value } = health;
  if (!value || value.role !== 'edge' || link.value.isAway) return '';
  const isOld = value.age !== undefined && value.age >= 60;
  return [nodeName() || 'edge', value.link, isOld && `${span(value.age as number)} old`].filter(Boolean).join(' · ');
});

/** What is wrong, and what works nevertheless; empty when nothing is. */
export const trouble = computed(() => {
  const waits = unsent.value > 0 ? `: ${count(unsent.value, 'change')} to send` : '';
  const rest = `${isPlaying.value ? ' The music goes on.' : ''} What you do is kept${waits}.`;
  if (link.value.isAway) return `No server has answered since ${timeOfDay(link.value.since)}.${rest}`;
  if (node.value && session.value?.isBound === false) return lonely(location.host, session.value.expiresAt, Date.now());
  return health.value?.link === 'island' ? `The origin does not answer.${rest}` : '';
});

async function watch(): Promise<void> {
  for (;;) {
    if (gate.value === 'open' && !document.hidden) health.value = await nodeStatus();
    await pause(EVERY_MS);
  }
}

void watch();
effect(() => {
  if (node.value) void nodeStatus().then((found) => (health.value = found));
});
