import { LIFECYCLE_TOPICS } from '#libs/contracts';
import type { Manifest } from '#libs/service-kit/backup-manifest';

/** What the user is told after a restore: nothing derived may know more than the store does. */
export function nextSteps(
  { tables, takenAt }: Pick<Manifest, 'tables' | 'takenAt'>,
  { epoch, embeddedIn }: { epoch: string | undefined; embeddedIn: string | undefined },
): string {
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  const topics = LIFECYCLE_TOPICS.map(({ name }) => name);
  const lost = `Revocations and all other changes after ${takenAt} are gone: make them again (docs/operations.md).`;
  const restored = [
    `restored ${rows} rows of ${tables.length} tables, as of ${takenAt}`,
    ...(epoch === undefined ? [] : [`began fence epoch ${epoch}`]),
  ];
  if (embeddedIn !== undefined) return [...restored, lost, 'Now: npm start'].join('\n');
  return [
    ...restored,
    lost,
    'Before any service starts, with every auth-verifier and in-process verifier stopped:',
    '  1. empty Redis, each primary of a cluster:  redis-cli -u "$REDIS_URL" FLUSHDB',
    '  2. delete the messages about keys that the store no longer knows:',
    ...topics.map(
      (topic) => `     kafka-topics.sh --bootstrap-server "$KAFKA_BROKERS" --delete --topic ${topic}`,
    ),
    'Then start the services, key-management first, and run:  npm run rebuild:key-view',
  ].join('\n');
}
