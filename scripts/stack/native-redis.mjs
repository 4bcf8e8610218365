import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { importSource } from '../import-source.mjs';
import { untilAnswers } from './answers.mjs';
import { startServer } from './server-process.mjs';

/** The redis-server on the PATH, without persistence: a stop empties it, which is the worst that a service has to bear. */
export async function nativeRedis({ directory }) {
  const { freePort } = await importSource('libs/service-kit/src/embedded-free-port.ts');
  mkdirSync(directory, { recursive: true });
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  const command = [
    'redis-server',
    '--bind',
    '127.0.0.1',
    '--port',
    String(port),
    '--save',
    '',
    '--appendonly',
    'no',
  ];
  let server;
  return {
    url,
    async start() {
      server = startServer([...command, '--dir', directory], {
        cwd: directory,
        logPath: join(directory, 'redis.log'),
      });
      await untilAnswers('redis', url, server);
    },
    stop: () => server?.stop(),
    kill: () => server?.kill(),
  };
}
