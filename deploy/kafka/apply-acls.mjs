/**
 * `node deploy/kafka/apply-acls.mjs` makes Kafka's access list of the services what acls.json says: what is missing is
 * added, what is too much is taken away, and other principals are left alone. Waits for the broker. Reads KAFKA_BROKERS,
 * KAFKA_USERNAME, KAFKA_PASSWORD or KAFKA_PASSWORD_FILE, and KAFKA_TLS_CA_FILE.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import kafkajs from 'kafkajs';

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;

const wanted = JSON.parse(readFileSync(join(import.meta.dirname, 'acls.json'), 'utf8'));
const admin = client(process.env).admin();
await admin.connect();
try {
  for (const [service, grants] of Object.entries(wanted)) {
    const { added, removed } = await converge(`User:${service}`, entriesOf(grants));
    console.log(`${service}: ${added} entries added, ${removed} removed`);
  }
} finally {
  await admin.disconnect();
}

async function converge(principal, entries) {
  const present = await entriesPresent(principal);
  const missing = entries.filter((entry) => !present.some((other) => isSame(entry, other)));
  const surplus = present.filter((entry) => !entries.some((other) => isSame(entry, other)));
  if (missing.length > 0) {
    await admin.createAcls({ acl: missing.map((entry) => ({ ...entry, principal })) });
  }
  if (surplus.length > 0) {
    await admin.deleteAcls({ filters: surplus.map((entry) => ({ ...entry, principal })) });
  }
  return { added: missing.length, removed: surplus.length };
}

function entriesOf({ topics, groups }) {
  const entries = (resourceType, resources) =>
    Object.entries(resources).flatMap(([resourceName, operations]) =>
      operations.map((operation) => ({
        resourceType,
        resourceName,
        resourcePatternType: ResourcePatternTypes.LITERAL,
        host: '*',
        operation: AclOperationTypes[operation],
        permissionType: AclPermissionTypes.ALLOW,
      })),
    );
  return [...entries(AclResourceTypes.TOPIC, topics), ...entries(AclResourceTypes.GROUP, groups)];
}

async function entriesPresent(principal) {
  const { resources } = await admin.describeAcls({
    resourceType: AclResourceTypes.ANY,
    resourcePatternType: ResourcePatternTypes.ANY,
    operation: AclOperationTypes.ANY,
    permissionType: AclPermissionTypes.ANY,
    principal,
  });
  return resources.flatMap(({ resourceType, resourceName, resourcePatternType, acls }) =>
    acls.map(({ host, operation, permissionType }) => ({
      resourceType,
      resourceName,
      resourcePatternType,
      host,
      operation,
      permissionType,
    })),
  );
}

function isSame(one, other) {
  return Object.keys(one).every((name) => one[name] === other[name]);
}

function client(environment) {
  const { KAFKA_BROKERS, KAFKA_USERNAME, KAFKA_PASSWORD, KAFKA_PASSWORD_FILE, KAFKA_TLS_CA_FILE } = environment;
  const password = KAFKA_PASSWORD_FILE ? readFileSync(KAFKA_PASSWORD_FILE, 'utf8').trim() : KAFKA_PASSWORD;
  return new kafkajs.Kafka({
    clientId: 'apply-acls',
    brokers: KAFKA_BROKERS.split(','),
    sasl: { mechanism: 'scram-sha-512', username: KAFKA_USERNAME, password },
    ...(KAFKA_TLS_CA_FILE && { ssl: { ca: [readFileSync(KAFKA_TLS_CA_FILE, 'utf8')] } }),
    logLevel: kafkajs.logLevel.NOTHING,
    // A broker that has just been made takes some time; a wrong password is told at once.
    retry: { initialRetryTime: 500, maxRetryTime: 2000, factor: 0.2, multiplier: 2, retries: 30 },
  });
}
