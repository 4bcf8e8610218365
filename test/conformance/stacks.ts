import { join } from 'node:path';
import { afterAll, beforeAll, describe } from '@jest/globals';
import { runningPostgresUrl } from '#libs/service-kit/embedded-postmaster';
import type { Latchkey } from '#libs/testing/latchkey-processes';
import { startLatchkeyProcesses } from '#libs/testing/latchkey-processes';
import { startLatchkeyStandalone } from '#libs/testing/latchkey-standalone';
import { startPrivateStack } from '#libs/testing/private-stack';
import { type Operating, Product } from './product.js';

type Started = Latchkey & { operating: Operating; stop(): Promise<void> };
type Environment = Readonly<Record<string, string>>;

/** All products side by side; the proxy that takes HTTPS in the place of the api is on this machine. */
const DEPLOYMENT: Environment = { LATCHKEY_PROFILES: '*', LATCHKEY_TRUSTED_PROXIES: '127.0.0.1' };

const STACKS: readonly (readonly [string, (environment: Environment) => Promise<Started>])[] = [
  ['real stack', startOnServers],
  ['embedded', startEmbedded],
];

export interface DescribedProduct {
  profile: string;
  basePath: string;
  throughHttps?: boolean;
  /** Further variables of every service. */
  environment?: Environment;
}

/**
 * Describes what a product's document promises, on both stacks: `tests` is called once for each, with the product as
 * it runs there.
 */
export function describeProduct(
  { profile, basePath, throughHttps = false, environment = {} }: DescribedProduct,
  tests: (product: () => Product) => void,
): void {
  describe.each(STACKS)(`${profile} on %s`, (_, start) => {
    let latchkey: Started | undefined;
    let product: Product | undefined;

    beforeAll(async () => {
      latchkey = await start({ ...DEPLOYMENT, ...environment });
      product = new Product(latchkey, profile, basePath, throughHttps, latchkey.operating);
    }, 120_000);

    afterAll(async () => {
      product?.close();
      await latchkey?.stop();
    }, 60_000);

    tests(() => {
      if (product === undefined) throw new Error('the product is not there');
      return product;
    });
  });
}

/** Of its own: topics have fixed names, so two Latchkeys on one Kafka would read each other's messages. */
async function startOnServers(environment: Environment): Promise<Started> {
  const stack = await startPrivateStack(['kafka', 'redis', 'postgres']);
  const latchkey = await startLatchkeyProcesses(stack.env, { environment });
  return {
    ...latchkey,
    operating: {
      environment: { DATABASE_ADMIN_URL: latchkey.databaseAdminUrl },
      databaseAdminUrl: latchkey.databaseAdminUrl,
    },
    async stop() {
      await latchkey.stop();
      await stack.stop();
    },
  };
}

async function startEmbedded(environment: Environment): Promise<Started> {
  const latchkey = await startLatchkeyStandalone(environment);
  const operating = {
    environment: { LATCHKEY_DATA_DIR: latchkey.directory },
    databaseAdminUrl: runningPostgresUrl(join(latchkey.directory, 'postgres')) ?? '',
  };
  return { ...latchkey, operating };
}
