import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { freePort } from './free-port.js';
import { spawnNode, spawnService, type SpawnedProcess } from './spawn-service.js';

const spawned: SpawnedProcess[] = [];

function node(script: string, env: NodeJS.ProcessEnv = {}): SpawnedProcess {
  const started = spawnNode(['-e', script], env);
  spawned.push(started);
  return started;
}

afterEach(async () => {
  await Promise.all(spawned.splice(0).map((one) => one.kill('SIGKILL')));
});

describe('a spawned process', () => {
  it('is Node itself, and sees nothing of this environment but the path and the home directory', async () => {
    process.env['LATCHKEY_ONLY_HERE'] = 'yes';
    const started = node(
      'console.log(`pid ${process.pid} ${process.env.LATCHKEY_ONLY_HERE} ${process.env.GIVEN}`)',
      { GIVEN: 'yes' },
    );
    expect(await started.untilLine(/^pid/)).toBe(`pid ${started.pid} undefined yes`);
    expect(await started.exited).toEqual({ code: 0, signal: null });
  });

  it('reports the signal that ended it', async () => {
    const started = node('setInterval(() => {}, 1000); console.log("up")');
    await started.untilLine(/up/);
    expect(await started.kill('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' });
  });

  it('that ends too early is an error with its output, without waiting for the time to be over', async () => {
    const started = node('console.error("the reason"); process.exit(3)');
    await expect(started.untilLine(/never/, 600_000)).rejects.toThrow(/has ended with 3[^]*the reason/);
  });

  it('is ready once its readiness address answers 200', async () => {
    const port = await freePort();
    const started = node(
      `let asked = 0; require('node:http').createServer((request, response) => {
        response.statusCode = request.url === '/health/ready' && ++asked > 2 ? 200 : 503; response.end();
        if (response.statusCode === 200) console.log('answered after ' + asked); }).listen(${port}, '127.0.0.1')`,
    );
    await started.untilReady(port);
    expect(await started.untilLine(/answered/)).toBe('answered after 3');
  });

  it('of a service that is not built is an error with the command that builds it', () => {
    expect(() => spawnService('no-such-app', {})).toThrow('npm run build');
  });
});

describe('a free port', () => {
  it('can be bound', async () => {
    const port = await freePort();
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    expect((server.address() as AddressInfo).port).toBe(port);
    server.close();
  });
});
