// SPDX-License-Identifier: GPL-3.0-or-later
// shelf: tracks as a server of our own has them, packaged and signed here, on a line of their own.
import { Line } from '../fixture/line.mjs';
import { packaged, Signer } from '../fixture/segments.mjs';
import { PAGE } from './listening.mjs';

export class Shelf {
  signer = new Signer();
  files = { '/': PAGE, '/keys': this.signer.keys() };

  static async open() {
    const shelf = new Shelf();
    shelf.line = await Line.open((path) => shelf.files[path]);
    return shelf;
  }

  put(track, { manifest, files }, signer = this.signer) {
    this.files[`/m/${track}/manifest`] = signer.seal(`/m/${track}/manifest`, JSON.stringify(manifest));
    for (const [name, bytes] of Object.entries(files)) this.files[`/m/${track}/${name}`] = bytes;
    return manifest;
  }

  publish(track, wav, shape) {
    return this.put(track, packaged(track, wav, shape));
  }
}
