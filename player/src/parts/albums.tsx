// SPDX-License-Identifier: GPL-3.0-or-later
// albums: covers, in a shelf.
import type { ComponentChildren, JSX } from 'preact';
import { rest } from '../data/objects';
import { explain } from '../data/problem';
import { artistOf, type Album } from '../model/types';
import { say } from '../state/notices';
import { playSongs } from '../state/playing';
import { paths } from '../state/route';
import { Art, IconButton } from './basics';

export async function playAlbum(id: string): Promise<void> {
  try {
    playSongs((await rest<Album>('getAlbum', 'album', { id })).song ?? []);
  } catch (error) {
    say(explain(error), true);
  }
}

export function AlbumCard({ album, withYear = false }: { album: Album; withYear?: boolean }): JSX.Element {
  return (
    <div class="card">
      <div class="card-art">
        <a href={paths.album(album.id)} tabIndex={-1} aria-hidden="true">
          <Art id={album.coverArt} size={300} name={album.name} />
        </a>
        <IconButton icon="play" class="card-play" label={`Play ${album.name}`} onClick={() => void playAlbum(album.id)} />
      </div>
      <a class="card-title" data-row href={paths.album(album.id)}>
        {album.name}
      </a>
      <span class="card-small">{withYear && album.year ? album.year : artistOf(album)}</span>
    </div>
  );
}

export function Shelf({ title, href, children }: { title: string; href?: string; children: ComponentChildren }): JSX.Element {
  return (
    <section class="shelf" aria-label={title}>
      <div class="shelf-head">
        <h2>{title}</h2>
        {href && (
          <a href={href} aria-label={`All: ${title}`}>
            All
          </a>
        )}
      </div>
      <div class="shelf-row" tabIndex={-1}>
        {children}
      </div>
    </section>
  );
}
