export * from './key-format.js';
export * from './key-secret.js';
