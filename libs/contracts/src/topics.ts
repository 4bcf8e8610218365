/** A topic as it must be: made at start when it is absent, refused when its partition count differs. */
export interface TopicDefinition {
  name: string;
  partitions: number;
  /** `compact` keeps the last message of each key for ever; `delete` keeps all for `retentionMs`. */
  cleanup: 'compact' | 'delete';
  retentionMs?: number;
}

const DAY_MS = 24 * 60 * 60 * 1000;

export const KEYS_TOPIC = 'latchkey.keys.v1';
export const TENANTS_TOPIC = 'latchkey.tenants.v1';
export const REQUESTS_TOPIC = 'latchkey.requests.v1';
export const REQUESTS_DEAD_TOPIC = 'latchkey.requests.dead.v1';

export const LIFECYCLE_TOPICS: readonly TopicDefinition[] = [
  { name: KEYS_TOPIC, partitions: 12, cleanup: 'compact' },
  { name: TENANTS_TOPIC, partitions: 4, cleanup: 'compact' },
];

export const REQUEST_TOPICS: readonly TopicDefinition[] = [
  { name: REQUESTS_TOPIC, partitions: 12, cleanup: 'delete', retentionMs: 35 * DAY_MS },
  { name: REQUESTS_DEAD_TOPIC, partitions: 1, cleanup: 'delete', retentionMs: 35 * DAY_MS },
];
