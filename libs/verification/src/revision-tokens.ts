import { type RevisionSeal, subjectOfKey, subjectOfTenant } from '#libs/fence';
import type { SecretRecord, TenantRecord } from '#libs/key-view';

interface Token {
  applied: number;
  epoch: string;
  sealed: string;
}

/** Seals the revisions of verdicts, and remembers each with its record: sealing costs more than judging. */
export class RevisionTokens {
  private readonly tokens = new WeakMap<SecretRecord | TenantRecord, Token>();

  constructor(private readonly seal: RevisionSeal) {}

  /** How recent a verdict is that was decided by this record when everything up to `applied` was. */
  of(record: SecretRecord | TenantRecord, epoch: string, applied: number): string {
    const known = this.tokens.get(record);
    if (known !== undefined && known.applied === applied && known.epoch === epoch) return known.sealed;
    const stream = 'keyId' in record ? subjectOfKey(record.keyId) : subjectOfTenant(record.tenantId);
    const sealed = this.seal.seal({ epoch, head: applied, stream, version: record.version });
    this.tokens.set(record, { applied, epoch, sealed });
    return sealed;
  }
}
