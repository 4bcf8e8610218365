/** Apache Kafka (KRaft, one node) from its Maven artefacts; what does not change from run to run is kept in a cache. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { importSource } from '../import-source.mjs';
import { untilAnswers } from './answers.mjs';
import { startServer } from './server-process.mjs';

const KAFKA_VERSION = '4.4.0';
const ARTEFACTS = [
  ['org.apache.kafka', 'kafka_2.13', KAFKA_VERSION],
  // Without a logger a failed start is silent.
  ['org.slf4j', 'slf4j-simple', '1.7.36'],
];
const COPY_DEPENDENCIES = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';
const WARNINGS_ONLY = '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn';
const ARCHIVE_SILENT = ['-Xlog:cds=off', '-Xlog:cds+dynamic=off'];
const run = promisify(execFile);

/** Whether the jars are there already, so that Maven is not needed. */
export function kafkaIsCached(stackDirectory) {
  return existsSync(join(stackDirectory, `kafka-${KAFKA_VERSION}`));
}

/** `load` leaves the JVM's second compiler on: a slower start, and the throughput of a real broker. */
export async function nativeKafka({ directory, stackDirectory, load }) {
  const cache = await kafkaCache(stackDirectory, `${directory}-cache`);
  const { freePort } = await importSource('libs/service-kit/src/embedded-free-port.ts');
  const [port, controllerPort] = [await freePort(), await freePort()];
  const data = join(directory, 'data');
  mkdirSync(directory, { recursive: true });
  cpSync(join(cache, 'formatted'), data, { recursive: true });
  giveOwnClusterId(join(data, 'meta.properties'));
  writeFileSync(join(directory, 'server.properties'), serverProperties({ port, controllerPort, data }));

  const [archive, ownArchive] = [join(cache, 'classes.jsa'), join(directory, 'classes.jsa')];
  const url = `127.0.0.1:${port}`;
  let server;
  return {
    url,
    async start() {
      const sharing = existsSync(archive)
        ? `-XX:SharedArchiveFile=${archive}`
        : `-XX:ArchiveClassesAtExit=${ownArchive}`;
      const compiler = load ? [] : ['-XX:TieredStopAtLevel=1'];
      const jvm = [
        '-Xms128m',
        load ? '-Xmx1g' : '-Xmx512m',
        '-XX:+UseSerialGC',
        ...compiler,
        sharing,
        ...ARCHIVE_SILENT,
      ];
      const command = [
        'java',
        ...jvm,
        WARNINGS_ONLY,
        '-cp',
        classPath(cache),
        'kafka.Kafka',
        'server.properties',
      ];
      server = startServer(command, { cwd: directory, logPath: join(directory, 'kafka.log') });
      await untilAnswers('kafka', url, server);
    },
    async stop() {
      await server?.stop();
      if (existsSync(ownArchive)) renameSync(ownArchive, archive);
    },
    kill: () => server?.kill(),
  };
}

/** Jars and a formatted data directory, made once in `unfinished`, which becomes the cache when it is complete. */
export async function kafkaCache(stackDirectory, unfinished) {
  const cache = join(stackDirectory, `kafka-${KAFKA_VERSION}`);
  if (kafkaIsCached(stackDirectory)) return cache;
  mkdirSync(unfinished, { recursive: true });
  writeFileSync(join(unfinished, 'pom.xml'), projectObjectModel());
  const maven = [
    '-B',
    '-ntp',
    '-q',
    `-Dmaven.repo.local=${unfinished}/m2`,
    COPY_DEPENDENCIES,
    '-DincludeScope=runtime',
  ];
  await run('mvn', [...maven, `-DoutputDirectory=${unfinished}/libs`], { cwd: unfinished });
  rmSync(join(unfinished, 'm2'), { recursive: true });

  const data = join(unfinished, 'formatted');
  writeFileSync(
    join(unfinished, 'format.properties'),
    serverProperties({ port: 9092, controllerPort: 9093, data }),
  );
  const format = ['kafka.tools.StorageTool', 'format', '-t', freshClusterId(), '-c', 'format.properties'];
  await run('java', [WARNINGS_ONLY, '-cp', classPath(unfinished), ...format], { cwd: unfinished });
  try {
    renameSync(unfinished, cache);
  } catch (error) {
    if (!kafkaIsCached(stackDirectory)) throw error;
    rmSync(unfinished, { recursive: true });
  }
  return cache;
}

/** A changed order of the class path silently disables the archive of loaded classes. */
export function classPath(cache) {
  const jars = readdirSync(join(cache, 'libs')).filter((name) => name.endsWith('.jar'));
  return jars
    .sort()
    .map((name) => join(cache, 'libs', name))
    .join(':');
}

/** Another data directory is another cluster: whoever keeps offsets must be able to tell them apart. */
function giveOwnClusterId(metaPath) {
  const meta = readFileSync(metaPath, 'utf8');
  writeFileSync(metaPath, meta.replace(/^cluster\.id=.*$/m, `cluster.id=${freshClusterId()}`));
}

/** A UUID as Kafka writes it; it may not begin with a hyphen, which the tool would take for an option. */
function freshClusterId() {
  return `L${randomBytes(16).toString('base64url').slice(1)}`;
}

function projectObjectModel() {
  const dependencies = ARTEFACTS.map(
    ([group, artefact, version]) =>
      `<dependency><groupId>${group}</groupId><artifactId>${artefact}</artifactId><version>${version}</version></dependency>`,
  );
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>latchkey</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>${dependencies.join('')}</dependencies></project>\n`;
}

/** Short sessions, so that a broker that was killed is back within seconds. */
function serverProperties({ port, controllerPort, data }) {
  const properties = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    ...singleNodeProperties,
    'log.dirs': data,
  };
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

/** What one node on a small machine needs, wherever it runs. */
export const singleNodeProperties = {
  'controller.listener.names': 'CONTROLLER',
  'inter.broker.listener.name': 'PLAINTEXT',
  'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
  'num.partitions': 4,
  'default.replication.factor': 1,
  'min.insync.replicas': 1,
  'offsets.topic.replication.factor': 1,
  'offsets.topic.num.partitions': 1,
  'transaction.state.log.replication.factor': 1,
  'transaction.state.log.min.isr': 1,
  'transaction.state.log.num.partitions': 1,
  'group.initial.rebalance.delay.ms': 0,
  'auto.create.topics.enable': false,
  'log.cleaner.dedupe.buffer.size': 4_194_304,
  'broker.session.timeout.ms': 1_500,
  'broker.heartbeat.interval.ms': 250,
};
