// SPDX-License-Identifier: GPL-3.0-or-later
// nodes: which node of the service is asked.  It begins with the one that gave the page; the others are those of the signed
// /nodes (docs/formats/nodes.md), kept on this device.  They are asked across origins: never with cookies.
import { signal } from '@preact/signals';
import { keep, kept } from './journal';
import { meet } from './late';

export interface Node {
  name: string;
  role: string;
  urls: string[]; // origins, best first
  welcome?: boolean; // of edges
}

/** '': where the page came from, else an origin. */
export const node = signal('');
export const nodes = signal<Node[]>([]);

const AWAY_MS = 30_000; // what asked us to go, or was slow, is not asked again so soon
const MOST_NODES = 16;
const left = new Map<string, number>(); // until, Unix ms

export const originOf = (): string => node.peek() || location.origin;
/** For whoever shows it: changes with the node. */
export const addressAt = (path: string): string => node.value + path;
export const nodeName = (): string => nodes.value.find(({ urls }) => urls.includes(node.value || location.origin))?.name ?? '';

export function setNodes(found: unknown, isNew = true): void {
  if (!Array.isArray(found)) return;
  nodes.value = (found as Node[]).filter((one) => one.welcome !== false && Array.isArray(one.urls) && /^(origin|edge)$/.test(one.role));
  if (!isNew) return;
  meet(nodes.value.flatMap(({ urls }) => urls));
  void keep('nodes', nodes.value);
}

export const restoreNodes = async (): Promise<void> => setNodes(await kept('nodes'), false);

/** Asked only when no other answers. */
export const isLeft = (url: string): boolean => (left.get(url) ?? 0) > Date.now();

/** Whom to ask: the one in use first, those that were left last.  A page that came by https cannot ask in the open. */
export function candidates(): string[] {
  const all = nodes.peek().flatMap(({ urls }) => urls.filter((url) => url !== location.origin && url.startsWith(location.protocol)));
  const known = [...new Set([node.peek(), '', ...all])].slice(0, MOST_NODES);
  return [...known.filter((url) => !isLeft(url)), ...known.filter(isLeft)];
}

/** Not this one, for a while; true when there are others. */
export function leave(): boolean {
  left.set(node.peek(), Date.now() + AWAY_MS);
  return candidates()[0] !== node.peek();
}
