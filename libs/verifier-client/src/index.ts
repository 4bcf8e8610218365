export * from './retry-policy.js';
export * from './verifier-client.js';
