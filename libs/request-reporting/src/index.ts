export * from './incarnation.js';
export * from './request-reporter.js';
