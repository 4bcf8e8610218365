/**
 * How a channel to another service behaves while that is away: it tries again at least every 2 s (by default up to two
 * minutes apart, long after the service is back), and notices within 15 s when the machine went without a word.
 */
export const channelOptions = {
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2000,
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5000,
} as const;
