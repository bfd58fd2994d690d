// SPDX-License-Identifier: GPL-3.0-or-later
// later: what a first page needs neither to stand nor to sound, in one script (many small ones compress badly), see state/later.
import { startKeys } from '../parts/keys';
import { startMediaSession } from '../state/media-session';

export { App } from '../app'; // so that the first script is one file but for a line: it compresses better
export { ElementStage } from '../audio/element';
export { signInByPasskey } from '../data/passkeys';
export { choosePlaylist } from '../parts/choose-playlist';
export { Tint } from '../parts/tint';
export { AlbumsView } from './albums';
export { ArtistView } from './artist';
export { ArtistsView } from './artists';
export { GenresView } from './genres';
export { NowView } from './now';
export { PlaylistView } from './playlist';
export { PlaylistsView } from './playlists';
export { QueueView } from './queue';
export { SearchView } from './search';
export { SetUp } from './set-up';
export { SettingsView } from './settings';

export function begin(): void {
  startKeys();
  startMediaSession();
}
