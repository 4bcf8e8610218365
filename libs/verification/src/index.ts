export * from './clocks.js';
export * from './fence-channel.js';
export * from './key-authority.js';
export * from './read-through.js';
export * from './request-fields.js';
export * from './sound-records.js';
export * from './verdict.js';
export * from './verify-credentials.js';
