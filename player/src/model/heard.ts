// SPDX-License-Identifier: GPL-3.0-or-later
// heard: when listening becomes a play: half of the track, or four minutes, actually heard, once a round.

const ENOUGH_S = 240;
/** A jump between two readings longer than this was a seek or a sleep, not listening. */
const LONGEST_STEP_S = 5;

export class HeardMeter {
  private heardS = 0;
  private lastS = NaN;
  private isCounted = false;

  constructor(private readonly durationS: number) {}

  /** Tells where the playing track stands; true once, at the moment that makes it a play. */
  at(positionS: number): boolean {
    const step = positionS - this.lastS;
    this.lastS = positionS;
    if (step > 0 && step <= LONGEST_STEP_S) this.heardS += step;
    if (this.isCounted || this.heardS < this.neededS()) return false;
    this.isCounted = true;
    return true;
  }

  /** After a seek or a pause: the next reading starts a new stretch. */
  jump(): void {
    this.lastS = NaN;
  }

  get heardMs(): number {
    return Math.round(this.heardS * 1000);
  }

  private neededS(): number {
    // The last reading before a track ends comes a moment early: half means half to a quarter of a second.
    return this.durationS > 0 ? Math.min(this.durationS / 2 - 0.25, ENOUGH_S) : ENOUGH_S;
  }
}
