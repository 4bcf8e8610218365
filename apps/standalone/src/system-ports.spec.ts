import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { assertPortsFree } from './system-ports.js';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.close();
    await once(server, 'close');
  }
});

async function takenPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

describe('ports to listen on', () => {
  it('are refused with the variable of every one that is taken', async () => {
    const [first, second] = [await takenPort(), await takenPort()];
    const ports = [
      { variable: 'LATCHKEY_API_PORT', port: first },
      { variable: 'LATCHKEY_USAGE_PORT', port: 0 },
      { variable: 'LATCHKEY_USAGE_GRPC_PORT', port: second },
    ];
    const attempt = assertPortsFree('127.0.0.1', ports);
    await expect(attempt).rejects.toMatchObject({
      name: 'PortsTaken',
      message:
        `LATCHKEY_API_PORT: port ${first} on 127.0.0.1 is taken\n` +
        `LATCHKEY_USAGE_GRPC_PORT: port ${second} on 127.0.0.1 is taken\n` +
        'End what listens there, or choose other ports.',
    });
  });

  it('are free again at once after they were found free', async () => {
    const port = await takenPort();
    servers.splice(0).forEach((server) => server.close());
    const ports = [{ variable: 'LATCHKEY_API_PORT', port }];
    await assertPortsFree('127.0.0.1', ports);
    await expect(assertPortsFree('127.0.0.1', ports)).resolves.toBeUndefined();
  });

  it('on an address that this machine does not have are a mistake of the configuration', async () => {
    // 192.0.2.0/24 is for documentation: no machine has it.
    const attempt = assertPortsFree('192.0.2.1', [{ variable: 'LATCHKEY_API_PORT', port: 0 }]);
    await expect(attempt).rejects.toMatchObject({
      name: 'ConfigurationError',
      problems: [expect.stringMatching(/^LATCHKEY_BIND_HOST .*"192\.0\.2\.1"$/)],
    });
  });
});
