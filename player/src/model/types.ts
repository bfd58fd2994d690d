// SPDX-License-Identifier: GPL-3.0-or-later
// types: what OpenSubsonic answers, as far as the player uses it.  Everything optional may be absent.

export interface Named {
  id: string;
  name: string;
}

export interface ReplayGain {
  trackGain?: number; // dB
  albumGain?: number;
  trackPeak?: number; // 1.0 is full scale
  albumPeak?: number;
}

export interface Contributor {
  role: string;
  subRole?: string;
  artist: Named;
}

export interface Song {
  id: string;
  title: string;
  album?: string;
  albumId?: string;
  artist?: string;
  artistId?: string;
  artists?: Named[];
  displayArtist?: string;
  displayAlbumArtist?: string;
  displayComposer?: string;
  track?: number;
  discNumber?: number;
  year?: number;
  genre?: string;
  coverArt?: string;
  size?: number;
  contentType?: string;
  suffix?: string;
  duration?: number; // s
  bitRate?: number;
  bitDepth?: number;
  samplingRate?: number;
  channelCount?: number;
  starred?: string;
  userRating?: number;
  playCount?: number;
  contributors?: Contributor[];
  replayGain?: ReplayGain;
  comment?: string;
  entryId?: string; // in a playlist: this entry's own name and place
  entryPosition?: string;
}

export interface Album {
  id: string;
  name: string;
  artist?: string;
  artistId?: string;
  artists?: Named[];
  displayArtist?: string;
  coverArt?: string;
  songCount?: number;
  duration?: number;
  year?: number;
  genre?: string;
  genres?: { name: string }[];
  created?: string;
  starred?: string;
  userRating?: number;
  playCount?: number;
  recordLabels?: { name: string }[];
  discTitles?: { disc: number; title: string }[];
  originalReleaseDate?: { year?: number };
  isCompilation?: boolean;
  releaseTypes?: string[];
  song?: Song[];
}

export interface Artist extends Named {
  coverArt?: string;
  albumCount?: number;
  starred?: string;
  album?: Album[];
}

export interface ArtistIndex {
  name: string;
  artist?: Artist[];
}

export interface Genre {
  value: string;
  songCount: number;
  albumCount: number;
}

export interface Playlist extends Named {
  comment?: string;
  owner?: string;
  public?: boolean;
  readonly?: boolean;
  songCount?: number;
  duration?: number;
  changed?: string;
  coverArt?: string;
  entry?: Song[];
}

export interface LyricLine {
  start?: number; // ms
  value: string;
}

export interface Lyrics {
  lang?: string;
  synced?: boolean;
  offset?: number; // ms; positive: earlier
  line?: LyricLine[];
}

export const artistOf = (thing: Song | Album): string => thing.displayArtist ?? thing.artist ?? '';

export const artistsOf = (thing: Song | Album): Named[] => {
  if (thing.artists && thing.artists.length > 0) return thing.artists;
  return thing.artistId ? [{ id: thing.artistId, name: artistOf(thing) }] : [];
};
