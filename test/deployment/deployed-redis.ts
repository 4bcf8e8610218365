import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '#libs/testing/free-port';
import { composeFile } from './compose-file.js';

export interface DeployedRedis {
  readonly port: number;
  /** SIGTERM, then the same server again. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * The redis-server on the PATH with the command line of a compose file and the secrets of `secretsDirectory`, on a free
 * port of loopback.
 */
export async function startDeployedRedis(
  directory: string,
  secretsDirectory: string,
  compose = composeFile('docker-compose.yml'),
): Promise<DeployedRedis> {
  const port = await freePort();
  const [program = '', ...args] = compose.services['redis']?.command ?? [];
  const command = args.map((argument) =>
    argument === '6379' ? String(port) : argument.replace('/run/secrets', secretsDirectory),
  );
  // A later option wins over an earlier one; without TLS the port is not among the command's own.
  if (!args.includes('6379')) command.push('--port', String(port));
  command.push('--bind', '127.0.0.1', '--dir', directory);
  const logPath = join(directory, 'redis.log');
  let server: { end(): Promise<void> };

  async function start(): Promise<void> {
    const log = openSync(logPath, 'a');
    const starts = timesReady(logPath);
    const child = spawn(program, command, { stdio: ['ignore', log, log] });
    closeSync(log);
    const exited = new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', () => resolve());
    });
    await Promise.race([
      once(child, 'spawn'),
      once(child, 'error').then(([cause]) => {
        throw new Error('redis-server is not on the PATH: apt-get install redis-server', { cause });
      }),
    ]);
    server = {
      async end() {
        child.kill('SIGTERM');
        await exited;
      },
    };
    const ended = exited.then(() => true);
    while (timesReady(logPath) === starts) {
      const over = await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 20))]);
      if (over) throw new Error(`redis-server has ended\n${readFileSync(logPath, 'utf8')}`);
    }
  }

  await start();
  return {
    port,
    async restart() {
      await server.end();
      await start();
    },
    stop: () => server.end(),
  };
}

function timesReady(logPath: string): number {
  return readFileSync(logPath, 'utf8').split('Ready to accept connections').length - 1;
}
