import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import {
  KEYS_TOPIC,
  LIFECYCLE_TOPICS,
  REQUEST_TOPICS,
  REQUESTS_DEAD_TOPIC,
  REQUESTS_TOPIC,
  TENANTS_TOPIC,
  type TopicDefinition,
} from '#libs/contracts';
import { KafkaEventLog } from '#libs/event-log/kafka-event-log';
import { createLogger } from '#libs/service-kit';
import { USAGE_TOPICS } from '../apps/usage/src/serve.js';
import { makeSecrets } from './deployment/deployment-scripts.js';
import { type DeployedBroker, startDeployedBroker } from './deployment/deployed-broker.js';

jest.setTimeout(120_000);

/** What the code of each service does with the log. */
const USES: Record<
  string,
  { declares: readonly TopicDefinition[]; writes: string[]; reads: [string, string][] }
> = {
  'key-management': { declares: LIFECYCLE_TOPICS, writes: [KEYS_TOPIC, TENANTS_TOPIC], reads: [] },
  'auth-verifier': {
    declares: [...LIFECYCLE_TOPICS, ...REQUEST_TOPICS],
    writes: [REQUESTS_TOPIC],
    reads: [
      ['auth-verifier', KEYS_TOPIC],
      ['auth-verifier', TENANTS_TOPIC],
    ],
  },
  api: { declares: REQUEST_TOPICS, writes: [REQUESTS_TOPIC], reads: [] },
  usage: {
    declares: USAGE_TOPICS,
    writes: [REQUESTS_DEAD_TOPIC],
    reads: [
      ['usage', REQUESTS_TOPIC],
      ['usage-keys', KEYS_TOPIC],
    ],
  },
};
const TOPICS = [KEYS_TOPIC, TENANTS_TOPIC, REQUESTS_TOPIC, REQUESTS_DEAD_TOPIC];
const GROUPS = ['auth-verifier', 'usage', 'usage-keys'];
describe('the broker of the deployment', () => {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-broker-'));
  const secrets = join(directory, 'secrets');
  const logs = new Map<string, KafkaEventLog>();
  let broker: DeployedBroker;

  function logOf(
    service: string,
    password = readFileSync(join(secrets, `kafka-password-${service}`), 'utf8').trim(),
  ) {
    const options = {
      clientId: service,
      brokers: [broker.address],
      replicationFactor: 1,
      minInSyncReplicas: 1,
    };
    return new KafkaEventLog({ ...options, username: service, password }, createLogger('test', 'silent'));
  }
  function usedLogOf(service: string): KafkaEventLog {
    const log = logs.get(service) ?? logOf(service);
    logs.set(service, log);
    return log;
  }
  /** `read` when a record came, else why not. Whom it is granted goes on trying while the broker finds itself. */
  async function outcomeOfReading(service: string, group: string, topic: string, granted: boolean) {
    const log = logOf(service);
    const deadlineMs = Date.now() + 20_000;
    try {
      return await new Promise<string>((resolve) => {
        void log.subscribe({
          group,
          topics: [topic],
          start: 'committed',
          async onBatch() {
            resolve('read');
            // Not committed, so that it comes again to whoever reads next.
            throw new Error('enough');
          },
          onError(error) {
            if (!granted || Date.now() > deadlineMs) resolve(reasonOf(error));
          },
        });
      });
    } finally {
      await log.close();
    }
  }

  beforeAll(async () => {
    await makeSecrets(secrets);
    broker = await startDeployedBroker(directory, secrets);
    await broker.applyAccessList();
  });
  afterAll(async () => {
    await Promise.all([...logs.values()].map((log) => log.close()));
    await broker.stop();
    rmSync(directory, { recursive: true });
  });

  it('keeps an access list that was applied before', async () => {
    for (const line of (await broker.applyAccessList()).trim().split('\n')) {
      expect(line).toMatch(/: 0 entries added, 0 removed$/);
    }
  });

  it('refuses a wrong password', async () => {
    const log = logOf('api', 'not the password of api');
    await expect(log.check()).rejects.toThrow(/authentication failed/i);
    await log.close();
  });

  it.each(Object.entries(USES))('lets %s make the topics that it declares', async (service, { declares }) => {
    await expect(usedLogOf(service).declare(declares)).resolves.toBeUndefined();
    await expect(usedLogOf(service).check()).resolves.toBeUndefined();
  });

  it.each(Object.entries(USES))(
    'lets %s write what it publishes and nothing else',
    async (service, { writes }) => {
      const record = { key: 'k', value: Buffer.from('v'), headers: {} };
      const outcomes: string[] = [];
      for (const topic of TOPICS) {
        const published = usedLogOf(service).publish(topic, [record]);
        outcomes.push(
          await published.then(
            () => `${topic} written`,
            (error) => `${topic} ${reasonOf(error)}`,
          ),
        );
      }
      expect(outcomes).toEqual(
        TOPICS.map((topic) => `${topic} ${writes.includes(topic) ? 'written' : 'refused'}`),
      );
    },
  );

  it.each(Object.entries(USES))(
    'lets %s read by its own groups and nothing else',
    async (service, { reads }) => {
      // The list grants groups and topics apart.
      const [groups, topics] = [0, 1].map((part) => new Set(reads.map((read) => read[part])));
      const pairs = GROUPS.flatMap((group) =>
        TOPICS.map((topic) => ({ group, topic, granted: Boolean(groups?.has(group) && topics?.has(topic)) })),
      );
      const outcomes: string[] = [];
      // One after the other: members of one group would wait for each other.
      for (const { group, topic, granted } of pairs) {
        outcomes.push(`${topic} by ${group} ${await outcomeOfReading(service, group, topic, granted)}`);
      }
      expect(outcomes).toEqual(
        pairs.map(({ group, topic, granted }) => `${topic} by ${group} ${granted ? 'read' : 'refused'}`),
      );
    },
  );
});

/** `refused` where an error says so; a group that one may not know of is one that can't be found. */
function reasonOf(error: unknown): string {
  const { message } = error as Error;
  return /not authorized|authorization failed|group coordinator/i.test(message) ? 'refused' : message;
}
