import { Rejection, type SealedRecord } from '#libs/contracts';
import type { KeyView, RecordId } from '#libs/key-view';
import type { SoundRecords } from './sound-records.js';
import type { KnownCredential } from './verdict.js';
import type { Breaker } from './breaker.js';
import type { FairShare } from './fair-share.js';
import type { KeyAuthority } from './key-authority.js';
import type { RememberedMisses } from './remembered-misses.js';

/** How a question to key-management ended. */
export type ReadThroughResult = 'found' | 'not_found' | 'remembered' | 'over_share' | 'broken' | 'failed';

/** What the view held of a digest that key-management did not seal. */
export interface UnsoundRecords {
  unsoundSecret: SealedRecord | undefined;
  unsoundTenant: SealedRecord | undefined;
}

/**
 * Asks key-management what the view could not tell. What it can't find out is the rejection UNAVAILABLE: only
 * key-management itself says that a key does not exist.
 */
export class ReadThrough {
  private readonly asking = new Map<string, Promise<KnownCredential | undefined>>();

  constructor(
    private readonly parts: {
      authority: KeyAuthority;
      view: KeyView;
      sound: SoundRecords;
      misses: RememberedMisses;
      share: FairShare;
      breaker: Breaker;
      /** Milliseconds since the epoch. */
      clock: () => number;
      onResult: (result: ReadThroughResult) => void;
      onFailure: (error: unknown) => void;
    },
  ) {}

  /**
   * What key-management knows of the digest, undefined where no key ever had it. Questions for the same digest become
   * one. `view` is `away`, or what it held instead of the truth; while it is away no remembered miss is believed either,
   * because an import that would have evicted it may be seen by another verifier.
   */
  async find(
    digest: string,
    caller: string,
    view: UnsoundRecords | 'away',
  ): Promise<KnownCredential | undefined> {
    const { misses, share, breaker, clock, onResult } = this.parts;
    const nowMs = clock();
    if (view !== 'away' && misses.has(digest, nowMs)) {
      onResult('remembered');
      return undefined;
    }
    const asked = this.asking.get(digest);
    if (asked !== undefined) return asked;
    if (!share.admits(caller, nowMs)) return this.refuse('over_share');
    if (!breaker.admits(nowMs)) return this.refuse('broken');
    const asking = this.ask(digest, view).finally(() => this.asking.delete(digest));
    this.asking.set(digest, asking);
    return asking;
  }

  private async ask(digest: string, view: UnsoundRecords | 'away'): Promise<KnownCredential | undefined> {
    const { authority, sound, misses, breaker, clock, onResult, onFailure } = this.parts;
    let found: Awaited<ReturnType<KeyAuthority['findSecret']>>;
    try {
      found = await authority.findSecret(digest);
    } catch (error) {
      breaker.failed(clock());
      onFailure(error);
      return this.refuse('failed');
    }
    breaker.succeeded();
    if (found === undefined) {
      misses.add(digest, clock());
      onResult('not_found');
      return undefined;
    }
    const secret = sound.secret(digest, found.secret);
    const tenant = secret && sound.tenant(secret.tenantId, found.tenant);
    // Not to be opened with any of our keys: the answer is not key-management's, or its seal key is not known here.
    if (secret === undefined || tenant === undefined) return this.refuse('failed');
    onResult('found');
    if (view !== 'away') {
      const secretAt = { kind: 'secret', id: digest } as const;
      const tenantAt = { kind: 'tenant', id: tenant.tenantId } as const;
      void this.keep(secretAt, secret.version, found.secret, view.unsoundSecret);
      void this.keep(tenantAt, tenant.version, found.tenant, view.unsoundTenant);
    }
    return { secret, tenant };
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
      if (await view.put(at, version, record)) return;
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
