import type { FenceEntry } from '../fence-entry.js';
import type { FenceVerifier, Standing } from '../fence-verifier.js';
import type { VerifyRecord } from '../history/check-history.js';
import type { AuthorityHost } from './authority-host.js';
import { scopeOf, type Stored } from './command.js';
import type { LeaseKeeper, VerifierOptions } from './lease-keeper.js';
import type { Network } from './network.js';
import type { RecordStore } from './record-store.js';
import { revisionOf, tokenOf } from './token.js';
import type { Host, Task } from './world.js';

/** What is asked of a verifier: whether the key, with its tenant, may be used; for writing, or whatever. */
export interface Question {
  key: string;
  tenant: string;
  write: boolean;
}

/** What is known of what is asked about. */
export interface Records {
  key: Stored;
  tenant: Stored;
}

/** What a verifier is made of; a deliberate mistake puts something else in the place of one of them. */
export interface VerifierParts {
  FenceVerifier: new (...args: ConstructorParameters<typeof FenceVerifier>) => FenceVerifier;
  LeaseKeeper: new (...args: ConstructorParameters<typeof LeaseKeeper>) => LeaseKeeper;
}

const STORE_DELAY_MS_MAX = 2;
/** How often Redis is late, and how much. */
const STORE_LATE = 0.05;
const STORE_LATE_MS_MAX = 2000;
const AUTHORITY_TIMEOUT_MS = 1000;

/** A verifier's process: the real state machine and a near cache, between a modelled network and a modelled Redis. */
export class VerifierHost {
  protected fence!: FenceVerifier;
  private lease!: LeaseKeeper;
  private readonly near = new Map<string, Stored>();
  private evictions = 0;

  constructor(
    readonly host: Host,
    private readonly parts: VerifierParts,
    private readonly options: VerifierOptions,
    private readonly network: Network,
    private readonly replicas: readonly AuthorityHost[],
    private readonly store: RecordStore,
  ) {}

  /** Begins with nothing remembered. */
  begin(): void {
    const { host, options, network, replicas, parts } = this;
    host.revive();
    this.near.clear();
    const memory = {
      evict: ({ subject }: FenceEntry) => {
        this.evictions += 1;
        this.near.delete(subject);
      },
      clear: () => {
        this.evictions += 1;
        this.near.clear();
      },
    };
    this.fence = new parts.FenceVerifier(options.serveStaleMs, memory);
    this.lease = new parts.LeaseKeeper(host, options, this.fence, network, replicas);
    this.lease.begin();
  }

  die(): void {
    this.lease.disconnect();
    this.host.die();
  }

  /** Stops as it should. */
  end(): void {
    this.lease.end();
    this.die();
  }

  /** Answers a verification, and notes in the record what. */
  *verify(question: Question, record: VerifyRecord): Task {
    const answer = yield* this.answer(question, record.atLeast);
    record.returnedAt = this.host.world.now;
    Object.assign(record, answer);
  }

  /** Undefined where the records are too old, by floors or by the token. */
  // A task only so that a mistake may wait in it.
  // oxlint-disable-next-line require-yield
  protected *decide(
    { write }: Question,
    records: Records,
    atLeast: string | undefined,
  ): Task<Partial<VerifyRecord> | undefined> {
    this.checkBeforeAnswer();
    const { key, tenant } = records;
    if (atLeast !== undefined && !this.isAtLeast(atLeast, records)) return undefined;
    const standing = this.standing(records);
    if (standing === 'lapsed') return { verdict: 'NONE' };
    if (standing === 'key_too_old' || standing === 'tenant_too_old') return undefined;
    if (standing === 'revoked' || key.revoked) return this.refusal(key, key.subject);
    if (tenant.limited) return this.refusal(tenant, tenant.subject);
    if (write && key.limited) return this.refusal(key, scopeOf(key.subject));
    return { verdict: 'ALLOW', revision: this.tokenOf(key) };
  }

  protected checkBeforeAnswer(): void {
    this.lease.checkClocks();
  }

  protected standing(records: Records): Standing {
    return this.standingAt(records, this.host.monotonicMs());
  }

  protected standingAt({ key, tenant }: Records, nowMs: number): Standing {
    return this.fence.standing(
      { id: key.subject.slice('key-'.length), version: key.version },
      { id: tenant.subject.slice('tenant-'.length), version: tenant.version },
      nowMs,
    );
  }

  protected isAtLeast(token: string, { key, tenant }: Records): boolean {
    const { epoch, head, stream, version } = revisionOf(token);
    if (epoch !== this.fence.registeredEpoch || this.fence.applied < head) return false;
    return [key, tenant].every((stored) => stored.subject !== stream || stored.version >= version);
  }

  /** Every await comes before {@link decide}. */
  private *answer(question: Question, atLeast: string | undefined): Task<Partial<VerifyRecord>> {
    const stored = yield* this.recordsOf(question);
    const first = stored === undefined ? undefined : yield* this.decide(question, stored, atLeast);
    if (first !== undefined) return first;
    const fresh = yield* this.readAuthority(question);
    if (fresh === undefined) return {};
    return (yield* this.decide(question, fresh, undefined)) ?? {};
  }

  private refusal(stored: Stored, refusedFor: string): Partial<VerifyRecord> {
    this.fence.refusedBy(stored.subject, stored.version);
    return { verdict: 'REFUSE', refusedFor, revision: this.tokenOf(stored) };
  }

  private tokenOf(stored: Stored): string {
    return tokenOf(this.fence.registeredEpoch ?? '', this.fence.applied, stored);
  }

  private *recordsOf({ key, tenant }: Question): Task<Records | undefined> {
    const { host, store, evictions } = this;
    const near = { key: this.near.get(key), tenant: this.near.get(tenant) };
    if (isWhole(near)) return near;
    const { random } = host.world;
    yield* host.sleep(random.between(0.1, STORE_DELAY_MS_MAX));
    const stored = { key: near.key ?? store.read(key), tenant: near.tenant ?? store.read(tenant) };
    if (random.chance(STORE_LATE)) yield* host.sleep(random.anyScale(1, STORE_LATE_MS_MAX));
    if (!isWhole(stored)) return undefined;
    this.remember(stored, evictions);
    return stored;
  }

  private *readAuthority({ key, tenant }: Question): Task<Records | undefined> {
    const { host, network, evictions } = this;
    const replica = host.world.random.pick(this.replicas);
    const read = () => replica.read([key, tenant]);
    const answer = yield* network.call(host, replica.host, read, AUTHORITY_TIMEOUT_MS);
    if (answer === undefined) return undefined;
    const records = { key: answer[0] as Stored, tenant: answer[1] as Stored };
    this.remember(records, evictions);
    for (const stored of answer) this.store.putIfNewer(stored);
    return records;
  }

  /** Nothing that was read before something was forgotten. */
  private remember({ key, tenant }: Records, evictionsBefore: number): void {
    if (evictionsBefore !== this.evictions || this.near.size >= this.options.nearRecordsMax) return;
    this.near.set(key.subject, key);
    this.near.set(tenant.subject, tenant);
  }
}

function isWhole(records: { key: Stored | undefined; tenant: Stored | undefined }): records is Records {
  return records.key !== undefined && records.tenant !== undefined;
}
