export * from './lifecycle-messages.js';
export * from './rejections.js';
export * from './request-events.js';
export * from './topics.js';
export * from './verdicts.js';
