import { once } from 'node:events';
import { createServer } from 'node:net';
import { ConfigurationError } from '#libs/service-kit';

/** One or more ports can't be listened on; the message names their variables. */
export class PortsTaken extends Error {
  override readonly name = 'PortsTaken';
}

/**
 * Listens on each port for a moment. Rejects with {@link PortsTaken} naming all that can't be had, with
 * {@link ConfigurationError} where `host` is no address of this machine.
 */
export async function assertPortsFree(
  host: string,
  ports: readonly { variable: string; port: number }[],
): Promise<void> {
  const problems: string[] = [];
  for (const { variable, port } of ports) {
    const code = await failureToListen(host, port);
    if (code === 'EADDRINUSE') problems.push(`${variable}: port ${port} on ${host} is taken`);
    else if (code === 'EACCES') problems.push(`${variable}: port ${port} is not for this user to listen on`);
    else if (code !== undefined)
      throw new ConfigurationError([`LATCHKEY_BIND_HOST is no address of this machine (${code}): "${host}"`]);
  }
  if (problems.length === 0) return;
  throw new PortsTaken(`${problems.join('\n')}\nEnd what listens there, or choose other ports.`);
}

async function failureToListen(host: string, port: number): Promise<string | undefined> {
  const server = createServer();
  try {
    await once(server.listen({ host, port, exclusive: true }), 'listening');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
  server.close();
  await once(server, 'close');
  return undefined;
}
