/** The version that clusters get who name none: that of the sandbox's Qdrant. */
export const LATEST = 'v1.18.3';

export const RELEASES = [
  { version: 'v1.17.1', default: false, endOfLife: false, unavailable: false },
  { version: LATEST, default: true, endOfLife: false, unavailable: false },
];
