export * from './commit-log.js';
export * from './event-store.js';
export * from './read-model.js';
