/** Keeps `inFlight` runs of `work(n)` going for `ms`; resolves to how many ended in how many milliseconds. */
export async function forInFlight(work, inFlight, ms) {
  const startMs = performance.now();
  let [begun, calls] = [0, 0];
  const lane = async () => {
    while (performance.now() - startMs < ms) {
      await work(begun++);
      calls += 1;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return { calls, elapsedMs: performance.now() - startMs };
}
