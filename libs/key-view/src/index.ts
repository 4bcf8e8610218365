export * from './key-records.js';
export * from './key-view.js';
export * from './record-seal.js';
