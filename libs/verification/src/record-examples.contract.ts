/** Records and stand-ins that the specs of verification share. */
import { randomBytes } from 'node:crypto';
import type { SealedRecord } from '#libs/contracts';
import { digestOf } from '#libs/key-secret';
import { newDefaultSecret } from '#libs/testing/default-secret';
import { RecordSeal, type SecretRecord, type TenantRecord } from '#libs/key-view';
import { InMemoryKeyView } from '#libs/key-view/in-memory-key-view';
import { KeyAuthority, type RecordPage } from './key-authority.js';

export const sealKeys = [{ id: 'k1', key: randomBytes(32) }] as [{ id: string; key: Buffer }];
export const seal = new RecordSeal(sealKeys);
/** Seals as somebody who knows the id of the key, but not the key. */
export const forger = new RecordSeal([{ id: 'k1', key: randomBytes(32) }]);

export function newCredential(): string {
  return newDefaultSecret();
}

export function secretRecord(changes: Partial<SecretRecord> = {}): SecretRecord {
  return {
    digest: digestOf(newCredential()),
    keyId: 'key-1',
    tenantId: 'acme',
    environment: 'live',
    scopes: ['read', 'write'],
    generation: 1,
    secretState: 'current',
    validUntilMs: null,
    keyState: 'active',
    expiresAtMs: null,
    requestsPerMinute: null,
    version: 1,
    ...changes,
  };
}

export function tenantRecord(changes: Partial<TenantRecord> = {}): TenantRecord {
  return { tenantId: 'acme', state: 'active', profile: 'default', plan: null, version: 1, ...changes };
}

/**
 * Key-management as far as a verifier reads from it, in memory; it may be away, and counts what it was asked. It answers
 * with what it knew when it was asked.
 */
export class ExampleAuthority extends KeyAuthority {
  readonly secrets = new Map<string, SecretRecord>();
  readonly tenants = new Map<string, TenantRecord>();
  /** Seals its answers; another's seal makes it an impostor. */
  sealing = seal;
  away = false;
  asked = 0;
  /** Small, so that a few records make several pages. */
  pageRecords = 2;

  knows(secret: SecretRecord, tenant: TenantRecord = tenantRecord({ tenantId: secret.tenantId })): void {
    this.secrets.set(secret.digest, secret);
    this.tenants.set(tenant.tenantId, tenant);
  }

  override async findSecret(
    digest: string,
  ): Promise<{ secret: SealedRecord; tenant: SealedRecord } | undefined> {
    this.asked += 1;
    const secret = this.secrets.get(digest);
    const tenant = this.tenants.get(secret?.tenantId ?? '') as TenantRecord;
    await this.check();
    if (secret === undefined) return undefined;
    return { secret: this.sealing.seal('secret', secret), tenant: this.sealing.seal('tenant', tenant) };
  }

  override async findTenant(tenantId: string): Promise<SealedRecord | undefined> {
    this.asked += 1;
    const tenant = this.tenants.get(tenantId);
    await this.check();
    return tenant && this.sealing.seal('tenant', tenant);
  }

  override async listSecrets(cursor: string): Promise<RecordPage> {
    await this.check();
    return this.page(
      [...this.secrets.values()].map((record) => this.sealing.seal('secret', record)),
      cursor,
    );
  }

  override async listTenants(cursor: string): Promise<RecordPage> {
    await this.check();
    return this.page(
      [...this.tenants.values()].map((record) => this.sealing.seal('tenant', record)),
      cursor,
    );
  }

  override async check(): Promise<void> {
    if (this.away) throw new Error('key-management is away');
  }

  override close(): void {}

  private page(all: SealedRecord[], cursor: string): RecordPage {
    const from = Number(cursor);
    const to = from + this.pageRecords;
    return { records: all.slice(from, to), nextCursor: to < all.length ? String(to) : '' };
  }
}

/** A view that can be taken away, as Redis can. */
export class LosableKeyView extends InMemoryKeyView {
  away = false;

  override async find(...args: Parameters<InMemoryKeyView['find']>) {
    this.requireThere();
    return super.find(...args);
  }

  override async put(...args: Parameters<InMemoryKeyView['put']>) {
    this.requireThere();
    return super.put(...args);
  }

  override async isComplete() {
    this.requireThere();
    return super.isComplete();
  }

  override async check() {
    this.requireThere();
  }

  private requireThere(): void {
    if (this.away) throw new Error('the view is away');
  }
}
