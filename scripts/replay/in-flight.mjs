/** Runs `work` on every item, started in their order, at most `limit` at a time; the first failure stops the rest. */
export async function forEachInFlight(items, limit, work) {
  const iterator = items[Symbol.iterator]();
  let failed = false;
  const worker = async () => {
    for (let next = iterator.next(); !failed && !next.done; next = iterator.next()) {
      try {
        await work(next.value);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: limit }, worker));
  const failure = ends.find(({ status }) => status === 'rejected');
  if (failure) throw failure.reason;
}
