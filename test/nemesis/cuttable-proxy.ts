import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export const CUT_DIRECTIONS = ['both', 'toServer', 'toClient'] as const;
export const CUT_MANNERS = ['drop', 'stall'] as const;

/**
 * What does not get through, and what becomes of it: dropped, so that the connections it was sent on break when the cut
 * is healed; or stalled, so that all of it arrives then, late and in order.
 */
export interface Cut {
  readonly direction: (typeof CUT_DIRECTIONS)[number];
  readonly manner: (typeof CUT_MANNERS)[number];
}

/** Bytes on their way from one end of a connection to the other. */
interface Flow {
  readonly from: Socket;
  readonly to: Socket;
  readonly direction: 'toServer' | 'toClient';
  readonly held: Buffer[];
}

interface Connection {
  readonly flows: readonly [Flow, Flow];
  /** Bytes, or an end, were lost: it cannot go on. */
  broken: boolean;
}

/** The network between a client and its servers on this machine, which can be cut one way or both. */
export class CuttableProxy {
  private readonly connections = new Set<Connection>();
  private cutNow: Cut | undefined;
  private turn = 0;

  private constructor(
    private readonly server: Server,
    private readonly serverPorts: readonly number[],
  ) {
    server.on('connection', (client) => void this.connect(client));
  }

  /** Passes each connection on to the next of `serverPorts` that takes it. */
  static async start(serverPorts: readonly number[]): Promise<CuttableProxy> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new CuttableProxy(server, serverPorts);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  cut(cut: Cut): void {
    this.heal();
    this.cutNow = cut;
  }

  heal(): void {
    this.cutNow = undefined;
    for (const connection of this.connections) {
      if (connection.broken) this.end(connection);
      else for (const flow of connection.flows) release(flow);
    }
  }

  close(): void {
    this.server.close();
    for (const connection of this.connections) this.end(connection);
  }

  private async connect(client: Socket): Promise<void> {
    client.on('error', () => client.destroy());
    client.pause();
    const server = await this.connectToServer();
    if (server === undefined || client.destroyed) {
      client.destroy();
      server?.destroy();
      return;
    }
    const connection: Connection = {
      flows: [
        { from: client, to: server, direction: 'toServer', held: [] },
        { from: server, to: client, direction: 'toClient', held: [] },
      ],
      broken: false,
    };
    this.connections.add(connection);
    for (const flow of connection.flows) {
      flow.from.setNoDelay(true);
      flow.from.on('data', (bytes) => this.pass(connection, flow, bytes));
      flow.from.on('close', () => {
        if (this.isCut(flow)) connection.broken = true;
        else this.end(connection);
      });
      flow.from.resume();
    }
  }

  private async connectToServer(): Promise<Socket | undefined> {
    this.turn += 1;
    for (let attempt = 0; attempt < this.serverPorts.length; attempt += 1) {
      const port = this.serverPorts[(this.turn + attempt) % this.serverPorts.length] as number;
      const server = connect(port, '127.0.0.1');
      const connected = await new Promise<boolean>((resolve) => {
        server.once('connect', () => resolve(true));
        server.on('error', () => {
          server.destroy();
          resolve(false);
        });
      });
      if (connected) return server;
    }
    return undefined;
  }

  private pass(connection: Connection, flow: Flow, bytes: Buffer): void {
    if (!this.isCut(flow)) flow.to.write(bytes);
    else if (this.cutNow?.manner === 'drop') connection.broken = true;
    else {
      flow.held.push(bytes);
      flow.from.pause();
    }
  }

  private isCut({ direction }: Flow): boolean {
    return this.cutNow?.direction === 'both' || this.cutNow?.direction === direction;
  }

  private end(connection: Connection): void {
    this.connections.delete(connection);
    for (const { from } of connection.flows) from.destroy();
  }
}

function release(flow: Flow): void {
  for (const bytes of flow.held.splice(0)) flow.to.write(bytes);
  flow.from.resume();
}
