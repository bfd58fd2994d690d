// SPDX-License-Identifier: GPL-3.0-or-later
// tint: the light that artwork throws on the page: its mean colour, mixed thinly into the ground by the style sheet.
import { useEffect } from 'preact/hooks';
import { artAddress } from '../data/objects';
import { clothOf } from '../model/cloth';

const tints = new Map<string, string>();

/** Mean colour, weighted towards what is colourful. */
function meanColour(image: HTMLImageElement): string {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 16;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) return '';
  context.drawImage(image, 0, 0, 16, 16);
  const { data } = context.getImageData(0, 0, 16, 16);
  const sum = [0, 0, 0];
  let weights = 0;
  for (let i = 0; i < data.length; i += 4) {
    const rgb = [data[i] ?? 0, data[i + 1] ?? 0, data[i + 2] ?? 0];
    const weight = 8 + Math.max(...rgb) - Math.min(...rgb);
    weights += weight;
    rgb.forEach((value, c) => (sum[c] = (sum[c] ?? 0) + value * weight));
  }
  return `rgb(${sum.map((value) => Math.round(value / weights)).join(' ')})`;
}

export function Tint({ art, name }: { art: string | undefined; name: string }): null {
  useEffect(() => {
    const { style } = document.documentElement;
    const paint = (colour: string): void => style.setProperty('--tint', colour);
    const known = art && tints.get(art);
    if (known) paint(known);
    else if (!art) paint(clothOf(name));
    else {
      const image = new Image();
      image.onload = () => {
        const colour = meanColour(image);
        if (tints.size > 200) tints.clear();
        tints.set(art, colour);
        paint(colour);
      };
      image.src = artAddress(art, 64);
    }
    return () => void style.removeProperty('--tint');
  }, [art, name]);
  return null;
}
