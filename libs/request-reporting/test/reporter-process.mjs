/**
 * A process that reports until it is killed: `reporter-process.mjs DIRECTORY LOG_FILE NAME away|there`. It writes
 * `received ID` and, once the event may be answered, `answered ID`. What it publishes it appends to LOG_FILE, one
 * message a line; with `away` the log refuses everything.
 */
import { appendFileSync, writeSync } from 'node:fs';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { EventLog } from '#libs/event-log';
import { startRequestReporter } from '#libs/request-reporting/serve';

const [directory, logFile, name, presence] = process.argv.slice(2);

class FileLog extends EventLog {
  async declare() {}
  async publish(topic, records, partition) {
    if (presence === 'away') throw new Error('the log is away');
    const lines = records.map(({ value }) => JSON.stringify({ topic, partition, value: value.toString() }));
    appendFileSync(logFile, `${lines.join('\n')}\n`);
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
  async subscribe() {
    throw new Error('nothing is read here');
  }
  async check() {}
  async close() {}
}

const { reporter } = await startRequestReporter({
  directory,
  service: 'test',
  eventLog: new FileLog(),
  logger: pino({ level: 'silent' }),
  metrics: new Registry(),
});

let requests = 0;
async function client() {
  for (;;) {
    requests += 1;
    const requestId = `${name}-${requests}`;
    writeSync(1, `received ${requestId}\n`);
    await reporter.record([
      {
        requestId,
        tenantId: 'acme',
        keyId: requestId,
        environment: 'live',
        outcome: 'VALID',
        status: null,
        route: '/'.padEnd(requests % 200, 'x'),
        method: 'GET',
        caller: 'test',
        occurredAtMs: Date.now(),
        reported: false,
      },
    ]);
    writeSync(1, `answered ${requestId}\n`);
  }
}
await Promise.all(Array.from({ length: 8 }, client));
