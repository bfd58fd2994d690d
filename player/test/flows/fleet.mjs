// SPDX-License-Identifier: GPL-3.0-or-later
// fleet: edges beside a server, and what they hold.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Server } from '../server.mjs';
import { until } from './person.mjs';

/** An edge of this origin; `host`: the name that listeners find it by, else its address. */
export async function joined(origin, name, scratch, host) {
  const token = join(scratch, name);
  writeFileSync(token, origin.command('invite', name));
  return Server.made(['edge', origin.base, '--token-file', token, '--node-name', name, '--no-supervisor'], host);
}

/** Of an edge: it holds what its origin has, or had so many seconds ago. */
export const isCurrent = async ({ base }, within = Infinity) => {
  const { link, waiting, age, accounts } = await (await fetch(`${base}/status`)).json();
  return link === 'linked' && waiting === 0 && age !== undefined && age < within && accounts > 0;
};

/** As if somebody had played the song at this node, in every form. */
export async function hold({ base }, track, grant) {
  const read = async (name) => (await fetch(`${base}/m/${track}/${name}?g=${grant}`)).arrayBuffer();
  const renditions = async () => JSON.parse(Buffer.from(await read('manifest')).toString().split('\n\n')[1]).renditions;
  for (const { name } of (await renditions()).filter((one) => one.generation)) {
    const one = await until(async () => {
      const now = (await renditions()).find((each) => each.name === name);
      if (now.state !== 'complete') await read(`${name}.${now.generation}/init.mp4`);
      return now;
    }, ({ state }) => state === 'complete' || state === 'failed');
    const pieces = ['init.mp4', ...one.segments.map((_, i) => `${i}.m4s`)];
    await Promise.all(pieces.map((piece) => read(`${name}.${one.generation}/${piece}`)));
  }
}
