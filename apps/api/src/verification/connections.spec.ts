import { fastify } from 'fastify';
import { Registry } from 'prom-client';
import { createLogger } from '#libs/service-kit';
import { ErrorsFilter } from '#libs/service-kit/errors.filter';
import { FaultReporter } from '#libs/service-kit/fault.reporter';
import { serveApi, StandInReporter, StandInVerifier } from '../served-api.contract.js';
import { countsEveryRequest } from './connections.contract.js';
import { verifyRequests } from './verification.hook.js';
import { WaitingConnections } from './waiting-connections.js';

describe('a request whose connection ends early, or never was usual', () => {
  countsEveryRequest(() => serveApi());
});

describe('a route', () => {
  it('that does not say which scopes it requires keeps the api from starting', async () => {
    const server = fastify();
    const logger = createLogger('api', 'silent');
    const metrics = new Registry();
    verifyRequests(server, {
      verifier: new StandInVerifier(),
      reporter: new StandInReporter(),
      errors: new ErrorsFilter(new FaultReporter({ service: 'api', logger, metrics })),
      logger,
      metrics,
      connections: new WaitingConnections(),
    });
    expect(() => server.get('/v1/forgotten', () => 'open to all')).toThrow(/\/v1\/forgotten does not say/);
    await server.close();
  });
});
