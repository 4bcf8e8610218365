/** The api's HTTP side on a free port, with stand-ins behind it that keep what they are asked, for the specs. */
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { Registry } from 'prom-client';
import { type RequestEvent, Rejection } from '#libs/contracts';
import { RequestReporter } from '#libs/request-reporting';
import type { Profiles } from '#libs/profiles';
import { createLogger } from '#libs/service-kit';
import { shippedProfiles } from '#libs/testing/shipped-profiles';
import {
  type Enforcement,
  type IssuedKey,
  type KeyListPlace,
  KeyManagement,
  type KeyPage,
  type ListedKeys,
  type ManagedBy,
  type ManagedKey,
  type NewKey,
  type Rotation,
} from './keys/key-management.js';
import { type Insights, KeyUsage } from './keys/key-usage.js';
import { serveHttp } from './serve.js';
import { StandInAccountVersions, StandInDocuments } from './stand-in-documents.contract.js';
import {
  type Attributed,
  type RateLimit,
  type Verification,
  type VerificationRequest,
  type VerifiedKey,
  Verifier,
} from './verification/verifier.js';

export const managingKey: VerifiedKey = {
  keyId: 'key_manager',
  tenantId: 'acme',
  environment: 'live',
  scopes: ['keys:manage', 'read'],
  expiresAt: new Date('2030-01-01T00:00:00Z'),
  secretGeneration: 2,
};

/** A gate that work waits at until it is opened. */
export class Gate {
  open: () => void = () => undefined;
  private readonly opened = new Promise<void>((resolve) => {
    this.open = resolve;
  });
  pass(): Promise<void> {
    return this.opened;
  }
}

/** Answers by credential: one of the outcomes, VALID for `good`, NOT_FOUND for what it does not know. */
export class StandInVerifier extends Verifier {
  readonly asked: VerificationRequest[] = [];
  gate: Gate | undefined;
  fault: Error | undefined;
  rateLimit: RateLimit | null = null;

  override async verify(request: VerificationRequest): Promise<Verification> {
    this.asked.push(request);
    const requestId = `request-${this.asked.length}`;
    await this.gate?.pass();
    if (this.fault !== undefined) throw this.fault;
    const { credential, anyOfScopes } = request;
    if (credential === 'MALFORMED' || credential === 'NOT_FOUND') return { outcome: credential, requestId };
    if (ATTRIBUTED.has(credential)) {
      return {
        outcome: credential as Attributed['outcome'],
        requestId,
        key: managingKey,
        rateLimit: this.rateLimit,
      };
    }
    if (credential === 'good')
      return { outcome: 'VALID', requestId, key: managingKey, rateLimit: this.rateLimit };
    if (credential === 'reader') {
      const outcome = anyOfScopes === null || anyOfScopes.includes('read') ? 'VALID' : 'INSUFFICIENT_SCOPE';
      const key: VerifiedKey = { ...managingKey, keyId: 'key_reader', scopes: ['read'] };
      return { outcome, requestId, key, rateLimit: this.rateLimit };
    }
    return { outcome: 'NOT_FOUND', requestId };
  }
}

const ATTRIBUTED = new Set([
  'REVOKED',
  'SECRET_RETIRED',
  'EXPIRED',
  'TENANT_SUSPENDED',
  'INSUFFICIENT_SCOPE',
  'RATE_LIMITED',
]);

export class StandInReporter extends RequestReporter {
  readonly events: RequestEvent[] = [];
  gate: Gate | undefined;

  override async record(events: readonly RequestEvent[]): Promise<void> {
    this.events.push(...events);
    await this.gate?.pass();
  }
}

function indexIn(keys: readonly ManagedKey[], keyId: string, field: string): number {
  const index = keys.findIndex(({ id }) => id === keyId);
  if (index >= 0) return index;
  throw new Rejection('INVALID_REQUEST', [{ field, message: 'must be the id of a key in this list' }]);
}

function startIn(
  keys: readonly ManagedKey[],
  from: Exclude<KeyListPlace, { before: string }> | null,
): number {
  if (from === null) return 0;
  return 'cursor' in from ? Number(from.cursor) : indexIn(keys, from.after, 'after_key_id') + 1;
}

/** Holds keys of the tenant, newest first; refuses as key-management does where the spec needs it. */
export class StandInKeyManagement extends KeyManagement {
  readonly keys: ManagedKey[] = [];
  readonly changes: { by: ManagedBy; wish: unknown }[] = [];
  /** Seconds that changes were to wait. */
  readonly waits: number[] = [];
  enforcedAfterSeconds = 0;
  lists = 0;
  gate: Gate | undefined;
  fault: Error | undefined;

  override async list(manager: VerifiedKey, { statuses, limit, order, from }: ListedKeys): Promise<KeyPage> {
    this.lists += 1;
    if (this.fault !== undefined) throw this.fault;
    const ordered = order === 'newest' ? this.keys : this.keys.toReversed();
    const own = ordered.filter(
      ({ environment, status }) => environment === manager.environment && statuses.includes(status),
    );
    if (from !== null && 'before' in from) {
      const end = indexIn(own, from.before, 'before_key_id');
      const start = Math.max(0, end - limit);
      return { keys: own.slice(start, end), hasMore: start > 0, nextCursor: null };
    }
    const start = startIn(own, from);
    const end = start + limit;
    const hasMore = end < own.length;
    return { keys: own.slice(start, end), hasMore, nextCursor: hasMore ? String(end) : null };
  }

  override async create(wish: NewKey, by: ManagedBy): Promise<IssuedKey> {
    this.changes.push({ by, wish });
    await this.gate?.pass();
    const key = managedKey(`key_${this.keys.length + 1}`, wish);
    this.keys.push(key);
    return { key, secret: 'lk_live_the-secret' };
  }

  override async rotate(keyId: string, rotation: Rotation, by: ManagedBy, waitSeconds: number) {
    this.changes.push({ by, wish: rotation });
    return { key: this.existing(keyId), secret: null, enforcement: this.enforced(waitSeconds) };
  }

  override async retirePreviousSecret(keyId: string, by: ManagedBy, waitSeconds: number) {
    this.changes.push({ by, wish: 'retire previous secret' });
    return { key: this.existing(keyId), enforcement: this.enforced(waitSeconds) };
  }

  override async revoke(keyId: string, reason: string | null, by: ManagedBy, waitSeconds: number) {
    this.changes.push({ by, wish: { reason } });
    const key: ManagedKey = {
      ...this.existing(keyId),
      status: 'revoked',
      revokedAt: new Date('2026-11-22T00:00:00Z'),
    };
    return { key, enforcement: this.enforced(waitSeconds) };
  }

  override async enforcement(_: VerifiedKey, revision: string): Promise<Enforcement> {
    if (revision !== 'r') throw new Rejection('NOT_FOUND');
    return this.enforced(Number.POSITIVE_INFINITY);
  }

  private enforced(waitSeconds: number): Enforcement {
    this.waits.push(waitSeconds);
    if (waitSeconds < this.enforcedAfterSeconds) {
      return { status: 'committed', revision: 'r', enforcedBy: new Date('2026-11-22T00:00:10Z') };
    }
    const verifiers = { acked: 3, expired: 0 };
    return { status: 'enforced', revision: 'r', via: 'acks', waitedMs: 12, verifiers };
  }

  private existing(keyId: string): ManagedKey {
    const key = this.keys.find(({ id }) => id === keyId);
    if (key === undefined) throw new Rejection('KEY_NOT_FOUND');
    return key;
  }
}

export function managedKey(
  id: string,
  { name, environment, scopes, expiresAt, metadata }: NewKey,
): ManagedKey {
  return {
    id,
    tenantId: 'acme',
    name,
    environment,
    scopes: scopes ?? ['all-of-the-product'],
    status: 'active',
    hint: { start: 'lk_live_abcd', end: 'wxyz' },
    metadata,
    requestsPerMinute: null,
    createdAt: new Date('2026-11-20T10:00:00Z'),
    expiresAt,
    revokedAt: null,
    secretGeneration: 1,
    previousSecretValidUntil: null,
    revision: 'r',
  };
}

export class StandInKeyUsage extends KeyUsage {
  fault: Error | undefined;

  override async insightsOf(_: string, keyIds: readonly string[]): Promise<ReadonlyMap<string, Insights>> {
    if (this.fault !== undefined) throw this.fault;
    const insights: Insights = {
      lastUsedAt: new Date('2026-11-21T00:00:00Z'),
      lastAuthenticatedAt: null,
      requests30d: 7,
      refused30d: 1,
      byOutcome: { VALID: 7, REVOKED: 1 },
      windowStart: new Date('2026-10-23T00:00:00Z'),
    };
    return new Map(keyIds.map((id) => [id, insights]));
  }
}

/** What came back on a connection. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
  /** The body as JSON. */
  json(): Record<string, unknown>;
}

export interface ServedApi {
  httpUrl: string;
  verifier: StandInVerifier;
  reporter: StandInReporter;
  keyManagement: StandInKeyManagement;
  keyUsage: StandInKeyUsage;
  documents: StandInDocuments;
  accountVersions: StandInAccountVersions;
  /** Opens a connection and sends the bytes as they are. */
  dial(bytes: string): Socket;
  /** Sends a request as it is written, on a connection of its own, and reads its answer. */
  send(
    method: string,
    target: string,
    headers?: readonly string[],
    body?: string,
    host?: string,
  ): Promise<Answer>;
  close(): Promise<void>;
}

const PLAIN_HTTP = {
  profiles: shippedProfiles,
  bindHost: '127.0.0.1',
  httpPort: 0,
  tlsCertificate: '',
  tlsKey: '',
  trustedProxies: [],
  errorTrackerUrl: '',
  docsPage: false,
  cursorKey: 'cursors-of-the-specs',
};

/** How it is served: with certificate, key and the authority that signed them over HTTPS, which `dial` then speaks. */
export interface ServedApiSettings {
  tlsCertificate?: string;
  tlsKey?: string;
  authority?: string;
  trustedProxies?: string[];
  profiles?: Profiles;
}

export async function serveApi({ authority, ...settings }: ServedApiSettings = {}): Promise<ServedApi> {
  const verifier = new StandInVerifier();
  const reporter = new StandInReporter();
  const keyManagement = new StandInKeyManagement();
  const keyUsage = new StandInKeyUsage();
  const documents = new StandInDocuments();
  const accountVersions = new StandInAccountVersions();
  const service = await serveHttp(
    { ...PLAIN_HTTP, ...settings },
    { verifier, reporter, keyManagement, keyUsage, documents, accountVersions },
    { logger: createLogger('api', 'silent'), metrics: new Registry(), dependencies: [] },
  );
  const port = Number(new URL(service.httpUrl).port);

  function dial(bytes: string): Socket {
    const socket =
      authority === undefined
        ? connect(port, '127.0.0.1')
        : connectTls({ host: '127.0.0.1', port, ca: authority });
    socket.on('error', () => undefined);
    socket.write(bytes, 'latin1');
    return socket;
  }

  async function send(
    method: string,
    target: string,
    headers: readonly string[] = ['Authorization: Bearer good'],
    body = '',
    host = 'api.test',
  ): Promise<Answer> {
    const length = body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
    const lines = [
      `${method} ${target} HTTP/1.1`,
      `Host: ${host}`,
      'Connection: close',
      ...length,
      ...headers,
    ];
    return answerOf(await everythingFrom(dial(`${lines.join('\r\n')}\r\n\r\n${body}`)));
  }

  const { httpUrl } = service;
  return {
    httpUrl,
    verifier,
    reporter,
    keyManagement,
    keyUsage,
    documents,
    accountVersions,
    dial,
    send,
    close: () => service.close(),
  };
}

/** All that a connection gives until it is closed. */
export async function everythingFrom(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await new Promise((resolve) => socket.once('close', resolve));
  return Buffer.concat(chunks).toString('utf8');
}

/** The last answer in the text: one to Expect: 100-continue has a 100 before it. */
export function answerOf(text: string): Answer {
  const from = text.startsWith('HTTP/1.1 100') ? text.indexOf('\r\n\r\n') + 4 : 0;
  const end = text.indexOf('\r\n\r\n', from);
  const [statusLine = '', ...lines] = text.slice(from, end).split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
  );
  const body = text.slice(end + 4);
  return {
    status: Number(statusLine.split(' ')[1]),
    headers,
    body,
    json: () => JSON.parse(body) as Record<string, unknown>,
  };
}
