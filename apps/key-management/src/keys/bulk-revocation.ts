import { Rejection, type RejectionCode } from '#libs/contracts';
import type { CallerContext } from '../commands/caller-context.js';
import type { Committed, FencedChanges } from '../fencing/fenced-changes.js';
import { streamOfTenant } from '../tenants/tenant-resource.js';
import type { KeyUsageReads } from '../usage/key-usage-reads.js';
import type { KeyCommands } from './key-commands.js';
import type { KeyReads } from './key-reads.js';
import type { KeyResource } from './key-resource.js';
import { isUnusedSince, type KeySelection, type SelectedKey } from './key-selection.js';

export interface RevokeKeys {
  selection: KeySelection;
  /** Only keys last used, or never used and made, before this; milliseconds since the epoch. */
  lastUsedBeforeMs: number | null;
  reason: string | null;
  /** Tells what would be revoked, and revokes nothing. */
  dryRun: boolean;
}

/** What became of the keys. */
export interface RevokedKeys {
  dryRun: boolean;
  /** Ids of the keys that were revoked by this wish, or would be. */
  revoked: string[];
  /** Asked for by id, and revoked before. */
  alreadyRevoked: string[];
  /** Asked for by id, and no keys of this tenant. */
  notFound: string[];
  /** Not revoked, and why. */
  failed: { keyId: string; code: RejectionCode }[];
  /** More keys than one wish revokes are meant: ask again. */
  more: boolean;
}

export interface BulkOutcome {
  report: RevokedKeys;
  /** What holds everywhere once all of it does; null: nothing was to be done. */
  committed: Pick<Committed<unknown>, 'revision' | 'restriction'> | null;
}

/** Most keys that one wish revokes. */
export const BULK_KEYS_MAX = 10_000;

const REVOKES_IN_FLIGHT = 256;
const USAGES_PER_QUESTION = 100;

/** Revokes many keys of a tenant by what they have in common, as one change of the tenant. */
export class BulkRevocation {
  constructor(
    private readonly commands: KeyCommands,
    private readonly reads: KeyReads,
    private readonly usage: KeyUsageReads,
    private readonly fenced: FencedChanges,
  ) {}

  async revoke(tenantId: string, wish: RevokeKeys, context: CallerContext): Promise<BulkOutcome> {
    const tenant = await this.reads.tenant(tenantId);
    if (tenant === undefined) throw new Rejection('TENANT_NOT_FOUND');
    const { selection, lastUsedBeforeMs, reason, dryRun } = wish;
    if (!dryRun) this.commands.admitChange(tenantId);
    const selected = await this.reads.unrevokedKeys(tenantId, selection, BULK_KEYS_MAX + 1);
    const taken = await this.unused(tenantId, selected.slice(0, BULK_KEYS_MAX), lastUsedBeforeMs);
    const keyIds = taken.map(({ keyId }) => keyId);
    const rest = await this.otherwise(tenantId, selection.keyIds ?? [], selected);
    const more = selected.length > BULK_KEYS_MAX;
    if (dryRun) return { report: { dryRun, revoked: keyIds, ...rest, failed: [], more }, committed: null };
    const { last, failed } = await this.revokeEach(tenantId, keyIds, reason, context);
    const unrevoked = new Set(failed.map(({ keyId }) => keyId));
    const revoked = keyIds.filter((keyId) => !unrevoked.has(keyId));
    // What a broken off wish revoked before may not hold everywhere yet: then too everything is waited for.
    const committed = last ?? (await this.fenced.everything(streamOfTenant(tenantId), tenant.version));
    return { report: { dryRun, revoked, ...rest, failed, more }, committed };
  }

  /** `last` is the revocation that stands behind all others in the fence log: when it holds, all do. */
  private async revokeEach(
    tenantId: string,
    keyIds: readonly string[],
    reason: string | null,
    context: CallerContext,
  ): Promise<{ last: Committed<KeyResource> | undefined; failed: RevokedKeys['failed'] }> {
    const failed: RevokedKeys['failed'] = [];
    let last: Committed<KeyResource> | undefined;
    const waiting = keyIds.values();
    // One iterator for all: each takes the next key when it is done with one.
    const revokeNext = async () => {
      for (const keyId of waiting) {
        try {
          const committed = await this.commands.revokeOneOfMany(tenantId, keyId, reason, context);
          if ((committed.restriction?.seq ?? 0) > (last?.restriction?.seq ?? 0)) last = committed;
        } catch (error) {
          if (!(error instanceof Rejection)) throw error;
          failed.push({ keyId, code: error.code });
        }
      }
    };
    await Promise.all(Array.from({ length: REVOKES_IN_FLIGHT }, revokeNext));
    return { last, failed };
  }

  private async unused(
    tenantId: string,
    keys: readonly SelectedKey[],
    beforeMs: number | null,
  ): Promise<readonly SelectedKey[]> {
    if (beforeMs === null) return keys;
    const unused: SelectedKey[] = [];
    for (let from = 0; from < keys.length; from += USAGES_PER_QUESTION) {
      const some = keys.slice(from, from + USAGES_PER_QUESTION);
      const lastUses = await this.usage.lastUses(
        tenantId,
        some.map(({ keyId }) => keyId),
      );
      unused.push(
        ...some.filter(({ keyId, createdAtMs }) =>
          isUnusedSince(beforeMs, createdAtMs, lastUses.get(keyId) ?? null),
        ),
      );
    }
    return unused;
  }

  /** What became of ids that were asked for and do not stand for a key that could be revoked. */
  private async otherwise(
    tenantId: string,
    keyIds: readonly string[],
    selected: readonly SelectedKey[],
  ): Promise<{ alreadyRevoked: string[]; notFound: string[] }> {
    const found = new Set(selected.map(({ keyId }) => keyId));
    const alreadyRevoked: string[] = [];
    const notFound: string[] = [];
    for (const keyId of keyIds) {
      if (found.has(keyId)) continue;
      const key = await this.reads.key(tenantId, keyId);
      if (key === undefined) notFound.push(keyId);
      else if (key.state.status === 'revoked') alreadyRevoked.push(keyId);
    }
    return { alreadyRevoked, notFound };
  }
}
