/** A TCP port and the variable that sets it, to name in errors. */
export interface Listener {
  host: string;
  port: number;
  variable: string;
}

/** A process cannot listen where its environment wants it to; the message names the variable to change. */
export class CannotListen extends Error {
  override readonly name = 'CannotListen';
}

const SENTENCES: Readonly<Record<string, (listener: Listener) => string>> = {
  EADDRINUSE: ({ host, port, variable }) =>
    `${variable}: port ${port} on ${host} is taken; end the process that listens there or choose another port`,
  EACCES: ({ port, variable }) =>
    `${variable}: port ${port} is not for this user to listen on; choose one above 1023`,
  EADDRNOTAVAIL: ({ host }) => `LATCHKEY_BIND_HOST: ${host} is no address of this machine`,
};

/**
 * What to tell of a server's failure to listen: {@link CannotListen} where the reason is one of the environment,
 * otherwise the error itself. gRPC says the reason in its text alone.
 */
export function listenFailure(error: unknown, listener: Listener): unknown {
  const [code = ''] = /\bE[A-Z]+\b/.exec(String(error)) ?? [];
  const sentence = SENTENCES[code];
  return sentence === undefined ? error : new CannotListen(sentence(listener), { cause: error });
}
