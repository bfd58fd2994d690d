// SPDX-License-Identifier: GPL-3.0-or-later
// words: numbers and names as people read them.

/** 3:07, 1:02:09 */
export function clock(seconds: number | undefined): string {
  const whole = Math.max(0, Math.floor(seconds ?? 0));
  const s = String(whole % 60).padStart(2, '0');
  const minutes = Math.floor(whole / 60);
  return minutes < 60 ? `${minutes}:${s}` : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}:${s}`;
}

/** 48 min, 2 h 5 min */
export function span(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  if (minutes < 1) return `${Math.round(seconds)} s`;
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h${minutes % 60 ? ` ${minutes % 60} min` : ''}`;
}

/** As span, and 3 days. */
export const age = (seconds: number): string => (seconds >= 2 * 86400 ? `${Math.floor(seconds / 86400)} days` : span(seconds));

/** For screen readers: 3 minutes 7 seconds */
export function spoken(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const minutes = Math.floor(whole / 60);
  return `${minutes ? `${count(minutes, 'minute')} ` : ''}${count(whole % 60, 'second')}`;
}

export function count(n: number, one: string, many = `${one}s`): string {
  return `${n.toLocaleString('en')} ${n === 1 ? one : many}`;
}

export function timeOfDay(ms: number): string {
  return new Date(ms).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
}

export function day(ms: number): string {
  return new Date(ms).toLocaleDateString([], { year: 'numeric', month: 'short', day: 'numeric' });
}

/** Of a sign-in that lives on a cookie, at another node than the one that set it. */
export function lonely(host: string, until: number, now: number): string {
  const ends = until > now ? `holds until ${timeOfDay(until)}` : `ended at ${timeOfDay(until)}; what is queued plays on`;
  return `Without HTTPS only ${host} can renew your sign-in: it ${ends}.`;
}

/** FLAC 16/44.1 · 912 kbit/s */
export function quality(song: { suffix?: string; bitDepth?: number; samplingRate?: number; bitRate?: number }): string {
  const name = (song.suffix ?? '').toUpperCase();
  const rate = song.samplingRate ? `${song.samplingRate / 1000}` : '';
  const depth = song.bitDepth ? `${song.bitDepth}/` : '';
  const head = [name, rate && (depth ? depth + rate : `${rate} kHz`)].filter(Boolean).join(' ');
  return [head, song.bitRate ? `${song.bitRate} kbit/s` : ''].filter(Boolean).join(' · ');
}
