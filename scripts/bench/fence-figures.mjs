/** The figures of the fence, and the bars they are held to. */
const MEGABYTE = 1_000_000;

export function barredOf(
  { enforcedMs, deadVerifierMs, boundMs, decisionMicros, storm, million },
  statistics,
) {
  const { spreadOf, percentileOf } = statistics;
  const sorted = enforcedMs.toSorted((a, b) => a - b);
  const one = (value) => spreadOf([value]);
  return [
    {
      bar: 'g',
      what: `revoke → enforced with 3 verifiers, p50 of ${sorted.length}, ms`,
      spread: one(percentileOf(sorted, 0.5)),
      limits: { atMost: 25 },
    },
    {
      bar: 'g',
      what: `revoke → enforced with 3 verifiers, p99 of ${sorted.length}, ms`,
      spread: one(percentileOf(sorted, 0.99)),
      limits: { atMost: 100 },
    },
    {
      bar: 'g',
      what: 'revoke → enforced beside a stopped verifier, ms',
      spread: one(deadVerifierMs),
      limits: { atMost: boundMs + 1000 },
    },
    {
      bar: 'h',
      what: 'CPU of a decision in process, µs',
      spread: spreadOf(decisionMicros),
      limits: { atMost: 5 },
    },
    {
      bar: 'i',
      what: 'registering with 1,000,000 revoked keys, s',
      spread: one(million.registerMs / 1000),
      limits: { atMost: 10 },
    },
    {
      bar: 'i',
      what: 'memory of 1,000,000 revoked keys, MB',
      spread: one(million.bytes / MEGABYTE),
      limits: { atMost: 64 },
    },
    {
      bar: 'j',
      what: 'leases lapsed with 10 verifiers at 50 revokes/s',
      spread: one(storm.lapses),
      limits: { atMost: 0 },
    },
  ];
}
