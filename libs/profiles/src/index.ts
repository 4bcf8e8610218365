export * from './error-body.js';
export * from './error-table.js';
export * from './profile.js';
export * from './profiles.js';
export * from './rate-limits.js';
export * from './scope-rules.js';
