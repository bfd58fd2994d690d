// SPDX-License-Identifier: GPL-3.0-or-later
// problem: why something could not be had, in words for the person who asked.

export type ProblemKind =
  | 'away' // the server did not answer: nobody's fault, try again later
  | 'denied' // we are not (or no longer) allowed
  | 'missing' // there is no such thing
  | 'busy' // the server asks us to wait
  | 'refused'; // the request was wrong, or the server failed on it

export class Problem extends Error {
  readonly kind: ProblemKind;
  readonly status: number;
  readonly retryAfterMs: number;

  constructor(kind: ProblemKind, message: string, status = 0, retryAfterMs = 0) {
    super(message);
    this.name = 'Problem';
    this.kind = kind;
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

export function kindOfStatus(status: number): ProblemKind {
  if (status === 401 || status === 403) return 'denied';
  if (status === 404 || status === 410) return 'missing';
  if (status === 429 || status === 503) return 'busy';
  if (status === 502 || status === 504) return 'away';
  return 'refused';
}

/** What a person reads, whatever was thrown. */
export function explain(error: unknown): string {
  if (error instanceof Problem) return error.message;
  if (error instanceof Error) return error.message;
  return String(error);
}

export const isAway = (error: unknown): boolean => error instanceof Problem && error.kind === 'away';

/** Retry-After in milliseconds (RFC 9110 10.2.3; the date form is rare and ignored), at most a minute. */
export function retryAfterMs(headers: Headers): number {
  const seconds = Number(headers.get('retry-after') ?? '0');
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, 60) * 1000 : 0;
}

interface ProblemDocument {
  title?: string;
  detail?: string;
}

/** Reads an RFC 9457 body if there is one. */
export async function problemOf(response: Response): Promise<Problem> {
  let words = '';
  if ((response.headers.get('content-type') ?? '').includes('json')) {
    const document = (await response.json().catch(() => ({}))) as ProblemDocument;
    words = [document.title, document.detail].filter(Boolean).join('. ');
  }
  const message = words || `The server answered ${response.status}.`;
  return new Problem(kindOfStatus(response.status), message, response.status, retryAfterMs(response.headers));
}
