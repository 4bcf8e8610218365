export * from './key-secret.js';
