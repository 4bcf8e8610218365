import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Stands between a service and PostgreSQL and can keep back the answer to a commit that took place. */
export interface CommitCuttingProxy {
  readonly port: number;
  /**
   * From now on the answer to the first commit of a transaction whose queries hold `text` stays here. Resolves when
   * PostgreSQL has given it: the transaction is durable, and the service does not know.
   */
  keepBackCommitOf(text: string): Promise<void>;
  /** Nothing further is kept back; what is already stays so. */
  letPass(): void;
  close(): void;
}

/** Listens on a free port and passes everything on to PostgreSQL at `port`. */
export async function startCommitCuttingProxy(port: number): Promise<CommitCuttingProxy> {
  let awaited: { text: string; committed: () => void } | undefined;
  const sockets = new Set<Socket>();
  const server = createServer((service) => {
    const postgres = connect(port, '127.0.0.1');
    let holdsText = false;
    let commits = false;
    const ends = [service, postgres];
    for (const end of ends) {
      sockets.add(end);
      end.on('error', () => ends.forEach((other) => other.destroy()));
      end.on('close', () => ends.forEach((other) => other.destroy()));
    }
    service.on('data', (chunk) => {
      if (awaited !== undefined && chunk.includes(awaited.text)) holdsText = true;
      if (holdsText && chunk.includes('COMMIT')) commits = true;
      postgres.write(chunk);
    });
    postgres.on('data', (chunk) => {
      if (commits && chunk.includes('COMMIT')) {
        awaited?.committed();
        awaited = undefined;
      }
      if (!commits) service.write(chunk);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    keepBackCommitOf: (text) =>
      new Promise((resolve) => {
        awaited = { text, committed: resolve };
      }),
    letPass() {
      awaited = undefined;
    },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
