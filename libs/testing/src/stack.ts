/** Where the real servers are that `npm test` or `node scripts/stack.mjs -- COMMAND` brought up. */
export interface StackUrls {
  /** host:port of each broker. */
  readonly kafkaBrokers: string[];
  readonly redisUrl: string;
  /** A superuser's URL; tests make databases of their own with `createTestDatabase`. */
  readonly databaseAdminUrl: string;
}

/** Reads the environment when a URL is asked for; throws with the command that brings the server up. */
export function stackUrls(environment: NodeJS.ProcessEnv = process.env): StackUrls {
  const required = (name: string) => {
    const value = environment[name];
    if (!value) throw new Error(`${name} is not set: run this test with  npm test -- <path of the test>`);
    return value;
  };
  return {
    get kafkaBrokers() {
      return required('KAFKA_BROKERS').split(',');
    },
    get redisUrl() {
      return required('REDIS_URL');
    },
    get databaseAdminUrl() {
      return required('DATABASE_ADMIN_URL');
    },
  };
}
