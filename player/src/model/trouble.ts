// SPDX-License-Identifier: GPL-3.0-or-later
// trouble: what is wrong, and what works nevertheless, in one true sentence; empty when nothing is.  The worst comes first.
import { count, timeOfDay } from './words';

export interface Facts {
  awaySince?: number | undefined; // no node answers, since then (Unix ms)
  signIn?: string; // words: why this sign-in is not renewed here
  link?: string | undefined; // of the node in use, as it says
  draining?: boolean | undefined;
  node: string; // its name
  unsent: number; // changes that are on this device alone
  isHeldUp: boolean; // and that the node in use does not take just now
  isDurable: boolean; // this browser keeps changes
  asked: number; // requests that the origin has to decide
  isPlaying: boolean;
}

export function trouble(facts: Facts): string {
  const { awaySince, link, unsent, asked } = facts;
  const waits = unsent > 0 ? `: ${count(unsent, 'change')} to send` : '';
  const kept = facts.isDurable ? ` What you do is kept${waits}.` : '';
  const rest = (facts.isPlaying ? ' The music goes on.' : '') + kept;
  const asks = asked > 0 ? ` ${count(asked, 'request')} of yours ${asked === 1 ? 'waits' : 'wait'} for it.` : '';
  if (awaySince !== undefined) return `No server has answered since ${timeOfDay(awaySince)}.${rest}`;
  if (facts.signIn) return facts.signIn;
  if (link === 'island') return `The origin does not answer.${rest}${asks}`;
  if (facts.draining) return `${facts.node || 'This node'} is about to be stopped; this page moves to another as soon as one answers.`;
  if (facts.isHeldUp && unsent > 0) return `${facts.node || 'The server'} takes no changes just now. ${count(unsent, 'change')} to send, kept here.`;
  return asks && `The origin has not decided yet.${asks}`;
}
