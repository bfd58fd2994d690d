// SPDX-License-Identifier: GPL-3.0-or-later
// pedal-line: progress drawn as the line under a piano score that says how long the pedal holds: a hook where the
// track begins, the line as far as it has sounded, a thinner one as far as it is safe on this device.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { clock, spoken } from '../model/words';
import { durationS, heldS, positionS, seek } from '../state/playing';

const share = (part: number, whole: number): string => `${whole > 0 ? Math.min(100, (part / whole) * 100) : 0}%`;

export function PedalLine(): JSX.Element {
  const [wanted, setWanted] = useState<number | null>(null);
  const whole = durationS.value;
  const at = wanted ?? Math.min(positionS.value, whole || Infinity);
  const commit = (): void => {
    if (wanted !== null) seek(wanted);
    setWanted(null);
  };
  return (
    <div class="pedal-line">
      <span class="time">{clock(at)}</span>
      <div class="pedal-track">
        <span class="pedal-held" style={{ width: share(heldS.value, whole) }} />
        <span class="pedal-heard" style={{ width: share(at, whole) }} />
        <input
          type="range"
          min={0}
          max={Math.max(1, Math.floor(whole))}
          step={1}
          value={Math.floor(at)}
          disabled={whole <= 0}
          aria-label="Position"
          aria-valuetext={`${spoken(at)} of ${spoken(whole)}`}
          onInput={(event) => setWanted(event.currentTarget.valueAsNumber)}
          onChange={commit}
        />
      </div>
      <span class="time">{clock(whole)}</span>
    </div>
  );
}
