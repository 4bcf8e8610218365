export * from './fence-authority.js';
export * from './fence-entry.js';
export * from './fence-pushes.js';
export * from './fence-terms.js';
export * from './fence-verifier.js';
export * from './floors.js';
export * from './revision-seal.js';
