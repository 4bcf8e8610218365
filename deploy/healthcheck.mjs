/** `node deploy/healthcheck.mjs PORT`: exits 0 while the service on this host says that it is ready, else 1. */
const port = process.argv[2];
const signal = AbortSignal.timeout(4000);
const ready = await fetch(`http://127.0.0.1:${port}/health/ready`, { signal }).then(
  (answer) => answer.ok,
  () => false,
);
process.exitCode = ready ? 0 : 1;
