export * from './degrading-rate-limiter.js';
export * from './rate-limiter.js';
export * from './sliding-window.js';
