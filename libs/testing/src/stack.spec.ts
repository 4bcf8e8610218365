import { stackUrls } from './stack.js';

describe('the URLs of the stack', () => {
  it('are read from the environment', () => {
    const urls = stackUrls({
      KAFKA_BROKERS: 'a:1,b:2',
      REDIS_URL: 'redis://c',
      DATABASE_ADMIN_URL: 'postgres://d',
    });
    expect(urls).toEqual({
      kafkaBrokers: ['a:1', 'b:2'],
      redisUrl: 'redis://c',
      databaseAdminUrl: 'postgres://d',
    });
  });

  it('are an error with the command to run when a server that is asked for is missing', () => {
    const urls = stackUrls({ REDIS_URL: 'redis://c' });
    expect(urls.redisUrl).toBe('redis://c');
    expect(() => urls.kafkaBrokers).toThrow('KAFKA_BROKERS is not set: run this test with  npm test');
  });
});
