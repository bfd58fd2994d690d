// SPDX-License-Identifier: GPL-3.0-or-later
// later: the views that a first visit does not open, in one script (many small ones compress badly), see parts/lazy.
export { signInByPasskey } from '../data/passkeys';
export { NowView } from './now';
export { PlaylistView } from './playlist';
export { PlaylistsView } from './playlists';
export { QueueView } from './queue';
export { SetUp } from './set-up';
export { SettingsView } from './settings';
