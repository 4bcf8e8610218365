import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '#libs/testing/free-port';

const run = promisify(execFile);

export interface DeployedBroker {
  /** host:port on loopback. */
  readonly address: string;
  /** What apply-acls.mjs prints. */
  applyAccessList(): Promise<string>;
  stop(): Promise<void>;
}

/**
 * The broker as deploy/kafka/start-broker.sh starts it, with the passwords (and, where they are, certificates) of
 * `secretsDirectory`, but from the jars of the native stack instead of the image's programs.
 */
export async function startDeployedBroker(
  directory: string,
  secretsDirectory: string,
): Promise<DeployedBroker> {
  const { stdout: classPath } = await run(process.execPath, ['test/deployment/kafka-class-path.mjs']);
  const programs = join(directory, 'bin');
  mkdirSync(programs, { recursive: true });
  writeProgram(join(programs, 'kafka-storage.sh'), classPath.trim(), 'kafka.tools.StorageTool');
  writeProgram(join(programs, 'kafka-server-start.sh'), classPath.trim(), 'kafka.Kafka');
  const port = await freePort();
  const logPath = join(directory, 'broker.log');
  const log = openSync(logPath, 'a');
  const broker = spawn('sh', [resolve('deploy/kafka/start-broker.sh')], {
    stdio: ['ignore', log, log],
    env: {
      PATH: process.env['PATH'],
      KAFKA_BIN: programs,
      SECRETS_DIR: secretsDirectory,
      KAFKA_DATA_DIR: join(directory, 'data'),
      KAFKA_CONFIG_DIR: directory,
      LISTEN_HOST: '127.0.0.1',
      BROKER_HOST: '127.0.0.1',
      BROKER_PORT: String(port),
      CONTROLLER_PORT: String(await freePort()),
    },
  });
  const exited = once(broker, 'exit');
  const address = `127.0.0.1:${port}`;
  return {
    address,
    async applyAccessList() {
      const authority = join(secretsDirectory, 'tls-ca.pem');
      const environment = {
        KAFKA_BROKERS: address,
        KAFKA_USERNAME: 'admin',
        KAFKA_PASSWORD_FILE: join(secretsDirectory, 'kafka-password-admin'),
        ...(existsSync(join(secretsDirectory, 'kafka-tls.pem')) && { KAFKA_TLS_CA_FILE: authority }),
      };
      const applied = run(process.execPath, ['deploy/kafka/apply-acls.mjs'], { env: environment });
      const ended = exited.then(() => {
        throw new Error(`the broker has ended\n${readFileSync(logPath, 'utf8')}`);
      });
      return (await Promise.race([applied, ended])).stdout;
    },
    async stop() {
      broker.kill('SIGTERM');
      await exited;
    },
  };
}

/** Ends with this process: the shell script replaces itself with the broker, and so does this one. */
function writeProgram(path: string, classPath: string, mainClass: string): void {
  const options = [
    '-Xmx512m',
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
  ];
  const java = `java ${options.join(' ')} -cp '${classPath}' ${mainClass} "$@"`;
  const dieWithParent =
    'if command -v setpriv >/dev/null; then set -- "$@"; prefix="setpriv --pdeathsig TERM --"; fi';
  writeFileSync(path, `#!/bin/sh\nprefix=\n${dieWithParent}\nexec $prefix ${java}\n`, { mode: 0o755 });
}
