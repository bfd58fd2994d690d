// SPDX-License-Identifier: GPL-3.0-or-later
// agent: what a person calls the browser that sent this User-Agent: "Firefox on Linux".

const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/Firefox\/|FxiOS\//, 'Firefox'],
  [/Edg(A|iOS)?\//, 'Edge'],
  [/OPR\//, 'Opera'],
  [/Chrom(e|ium)\/|CriOS\//, 'Chrome'],
  [/Safari\//, 'Safari'],
];
const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/Android/, 'Android'],
  [/iPhone/, 'iPhone'],
  [/iPad/, 'iPad'],
  [/Windows/, 'Windows'],
  [/Mac OS X/, 'Mac'],
  [/CrOS/, 'ChromeOS'],
  [/Linux/, 'Linux'],
];

/** What is no browser's keeps its own words. */
export function agentName(agent: string): string {
  const first = (list: typeof BROWSERS): string | undefined => list.find(([shape]) => shape.test(agent))?.[1];
  const browser = first(BROWSERS);
  const system = first(SYSTEMS);
  if (!browser) return agent || 'A browser';
  return system ? `${browser} on ${system}` : browser;
}
