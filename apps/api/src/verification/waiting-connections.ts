/** A connection, as far as waiting for its end goes. */
interface Connection {
  readonly destroyed: boolean;
  once(event: 'close', listener: () => void): unknown;
}

/** The end of a response, or of its connection, whichever comes first. */
interface Response {
  once(event: 'close', listener: () => void): unknown;
}

/**
 * Which connections have requests that wait for their answer. The response alone does not tell when a wait is over: one
 * that is queued behind others of its connection (pipelining) never closes when the connection does.
 */
export class WaitingConnections {
  private readonly waits = new WeakMap<Connection, Set<() => void>>();

  /** Calls back once, when the response is out or its connection is gone. */
  whenOver(connection: Connection, response: Response, callback: () => void): void {
    if (connection.destroyed) {
      callback();
      return;
    }
    const waits = this.waitsOf(connection);
    const over = () => {
      if (waits.delete(over)) callback();
    };
    waits.add(over);
    response.once('close', over);
  }

  /** True while a request of the connection has no complete answer. */
  isWaiting(connection: Connection): boolean {
    return (this.waits.get(connection)?.size ?? 0) > 0;
  }

  private waitsOf(connection: Connection): Set<() => void> {
    const known = this.waits.get(connection);
    if (known !== undefined) return known;
    const waits = new Set<() => void>();
    this.waits.set(connection, waits);
    connection.once('close', () => {
      for (const over of waits) over();
    });
    return waits;
  }
}
