/** `node deploy/healthcheck.mjs PORT`: exits 0 while the service on this host says that it is ready, else 1. */
import { get as getPlain } from 'node:http';
import { get as getSecure } from 'node:https';

const port = process.argv[2];
const path = '/health/ready';
const signal = AbortSignal.timeout(4000);
// Its certificate names the host that clients know, not this one.
const options = { host: '127.0.0.1', port, path, signal, rejectUnauthorized: false };
const get = process.env.LATCHKEY_API_TLS_CERT_FILE ? getSecure : getPlain;
process.exitCode = 1;
get(options, (answer) => {
  process.exitCode = answer.statusCode === 200 ? 0 : 1;
  answer.resume();
}).on('error', () => undefined);
