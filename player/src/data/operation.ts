// SPDX-License-Identifier: GPL-3.0-or-later
// operation: one idempotent change, as POST /ops takes it.  Kinds and payloads are those of src/state/kinds.def.
import { stampText, type Stamp } from './clock';

export interface Payloads {
  play: { track: string; at: number; album?: string; artists?: string[]; heard_ms?: number; client?: string };
  star: { id: string; on: boolean; at: number };
  rating: { id: string; stars: number };
  setting: { name: string; value: unknown };
  playlist: { id: string; name?: string; comment?: string; public?: boolean; created?: number };
  'playlist.delete': { id: string };
  'playlist.put': { id: string; entries: { entry: string; track: string; position: string }[] };
  'playlist.remove': { id: string; entries: string[] };
  queue: { tracks: string[]; current: number; position_ms: number; client?: string };
}
export type Kind = keyof Payloads;

export interface Operation {
  user: string; // account id: whose session may deliver it
  device: string;
  seq: number;
  stamp: Stamp;
  kind: Kind;
  payload: Payloads[Kind];
}

export interface Outcome {
  seq: number;
  outcome: string;
  why?: string;
}

/** The body of POST /ops.  Written by hand because hlc is a 64-bit integer. */
export function batchText(device: string, operations: readonly Operation[]): string {
  const parts = operations.map(
    ({ seq, stamp, kind, payload }) =>
      `{"seq":${seq},"hlc":${stampText(stamp)},"kind":${JSON.stringify(kind)},"payload":${JSON.stringify(payload)}}`,
  );
  return `{"device":${JSON.stringify(device)},"operations":[${parts.join(',')}]}`;
}

/** What to do with an operation after the server spoke about it. */
export function settled(outcome: string): 'done' | 'again' | 'renew' | 'give-up' {
  if (outcome === 'accepted' || outcome === 'duplicate') return 'done';
  if (outcome === 'conflict') return 'renew';
  if (outcome === 'refused' || outcome === 'forbidden') return 'give-up';
  return 'again';
}
