import { Rejection, type SealedRecord } from '#libs/contracts';
import type { KeyView, RecordId, TenantRecord } from '#libs/key-view';
import type { Breaker } from './breaker.js';
import type { FairShare } from './fair-share.js';
import type { KeyAuthority } from './key-authority.js';
import type { RememberedMisses } from './remembered-misses.js';
import type { SoundRecords } from './sound-records.js';
import type { KnownCredential } from './verdict.js';

/** How a question to key-management ended. */
export type ReadThroughResult = 'found' | 'not_found' | 'remembered' | 'over_share' | 'broken' | 'failed';

/** What the view held of a digest that key-management did not seal. */
export interface UnsoundRecords {
  unsoundSecret: SealedRecord | undefined;
  unsoundTenant: SealedRecord | undefined;
}

const NOTHING_UNSOUND: UnsoundRecords = { unsoundSecret: undefined, unsoundTenant: undefined };

/** A question under way. */
interface Question<Answer> {
  /** What had been heard of when it was asked. */
  changes: number;
  answer: Promise<Answer>;
}

export interface ReadThroughParts {
  authority: KeyAuthority;
  /** Where answers are kept for others; absent where nobody shares one. */
  view: KeyView | undefined;
  sound: SoundRecords;
  misses: RememberedMisses;
  share: FairShare;
  breaker: Breaker;
  /** Grows with every change that this verifier hears of. */
  changes: () => number;
  /** Milliseconds since the epoch. */
  clock: () => number;
  onResult: (result: ReadThroughResult) => void;
  onFailure: (error: unknown) => void;
}

/**
 * Asks key-management what the view could not tell. What it can't find out is the rejection UNAVAILABLE: only
 * key-management itself says that a key does not exist.
 *
 * Questions for the same thing become one, but none is joined that was asked before the last change was heard of: its
 * answer may not know of the change, which is why somebody asks.
 */
export class ReadThrough {
  private readonly secrets = new Map<string, Question<KnownCredential | undefined>>();
  private readonly tenants = new Map<string, Question<TenantRecord>>();

  constructor(private readonly parts: ReadThroughParts) {}

  /**
   * What key-management knows of the digest, undefined where no key ever had it. `view` is `away`, or what it held
   * instead of the truth.
   */
  async find(
    digest: string,
    caller: string,
    view: UnsoundRecords | 'away',
  ): Promise<KnownCredential | undefined> {
    const { misses, clock, onResult } = this.parts;
    if (misses.has(digest, clock())) {
      onResult('remembered');
      return undefined;
    }
    return this.once(this.secrets, digest, caller, () => this.askForSecret(digest, view));
  }

  /** As {@link find}, as it is after every change that has been heard of, whatever is remembered. */
  async findChanged(digest: string, caller: string): Promise<KnownCredential | undefined> {
    return this.once(this.secrets, digest, caller, () => this.askForSecret(digest, NOTHING_UNSOUND));
  }

  /** As {@link findChanged}, from a question that is asked now and not before. */
  async findNow(digest: string, caller: string): Promise<KnownCredential | undefined> {
    this.secrets.delete(digest);
    return this.once(this.secrets, digest, caller, () => this.askForSecret(digest, NOTHING_UNSOUND));
  }

  /** The tenant of a key as it is after every change that has been heard of. */
  async findTenant(tenantId: string, caller: string): Promise<TenantRecord> {
    return this.once(this.tenants, tenantId, caller, () => this.askForTenant(tenantId));
  }

  private once<Answer>(
    questions: Map<string, Question<Answer>>,
    id: string,
    caller: string,
    ask: () => Promise<Answer>,
  ): Promise<Answer> {
    const { share, breaker, clock } = this.parts;
    const changes = this.parts.changes();
    const asked = questions.get(id);
    if (asked?.changes === changes) return asked.answer;
    const nowMs = clock();
    if (!share.admits(caller, nowMs)) return this.refuse('over_share');
    if (!breaker.admits(nowMs)) return this.refuse('broken');
    const question: Question<Answer> = {
      changes,
      answer: ask().finally(() => {
        if (questions.get(id) === question) questions.delete(id);
      }),
    };
    questions.set(id, question);
    return question.answer;
  }

  private async askForSecret(
    digest: string,
    view: UnsoundRecords | 'away',
  ): Promise<KnownCredential | undefined> {
    const { sound, misses, clock, onResult } = this.parts;
    const changes = this.parts.changes();
    const found = await this.ask((authority) => authority.findSecret(digest));
    if (found === undefined) {
      // A change heard of meanwhile may be the import of this very secret.
      if (changes === this.parts.changes()) misses.add(digest, clock());
      onResult('not_found');
      return undefined;
    }
    const secret = sound.secret(digest, found.secret);
    const tenant = secret && sound.tenant(secret.tenantId, found.tenant);
    // Not to be opened with any of our keys: the answer is not key-management's, or its seal key is not known here.
    if (secret === undefined || tenant === undefined) return this.refuse('failed');
    onResult('found');
    if (view !== 'away') {
      void this.keep({ kind: 'secret', id: digest }, secret.version, found.secret, view.unsoundSecret);
      const tenantAt = { kind: 'tenant', id: tenant.tenantId } as const;
      void this.keep(tenantAt, tenant.version, found.tenant, view.unsoundTenant);
    }
    return { secret, tenant };
  }

  private async askForTenant(tenantId: string): Promise<TenantRecord> {
    const found = await this.ask((authority) => authority.findTenant(tenantId));
    const tenant = found && this.parts.sound.tenant(tenantId, found);
    // A key's tenant is always there.
    if (found === undefined || tenant === undefined) return this.refuse('failed');
    this.parts.onResult('found');
    void this.keep({ kind: 'tenant', id: tenantId }, tenant.version, found, undefined);
    return tenant;
  }

  private async ask<Answer>(question: (authority: KeyAuthority) => Promise<Answer>): Promise<Answer> {
    const { authority, breaker, clock, onFailure } = this.parts;
    try {
      const answer = await question(authority);
      breaker.succeeded();
      return answer;
    } catch (error) {
      breaker.failed(clock());
      onFailure(error);
      return this.refuse('failed');
    }
  }

  /** Puts a record into the view, also in the place of one that only claims to be newer. The answer does not wait. */
  private async keep(
    at: RecordId,
    version: number,
    record: SealedRecord,
    unsound: SealedRecord | undefined,
  ): Promise<void> {
    const { view } = this.parts;
    try {
      if (view === undefined || (await view.put(at, version, record))) return;
      if (unsound !== undefined) await view.replace(at, unsound, version, record);
    } catch {
      // The view went away, or will be asked again the next time it misses this record.
    }
  }

  private refuse(result: ReadThroughResult): never {
    this.parts.onResult(result);
    throw new Rejection('UNAVAILABLE', [], 1);
  }
}
