import {
  KEYS_TOPIC,
  type KeyMessage,
  type KeyMessageType,
  type TenantMessage,
  type TenantMessageType,
  TENANTS_TOPIC,
} from '#libs/contracts';
import type { StoredEvent } from '#libs/event-store';
import type { RecordSeal } from '#libs/key-view';
import { keyDecider } from '../keys/key.decider.js';
import type { KeyState } from '../keys/key.state.js';
import { type TenantState, tenantDecider } from '../tenants/tenant.decider.js';
import { secretRecordsOf, tenantRecordOf } from '../view-records/record-of.js';

/**
 * Most secrets of one message, the latest: brokers bound its size. Those before are retired, and were published as such;
 * a change of their key leaves their records too old to use, and who is shown one asks for its newer record.
 */
const SECRETS_MAX = 100;

/** A message ready to publish: CloudEvents 1.0 in binary mode. */
export interface OutgoingMessage {
  topic: string;
  key: string;
  headers: Record<string, string>;
  value: KeyMessage | TenantMessage;
}

/**
 * The message of an event: what its key or tenant was once that event had happened. `history` is the event's whole
 * stream up to and including it.
 */
export function lifecycleMessageOf(
  event: StoredEvent,
  history: readonly StoredEvent[],
  seal: RecordSeal,
): OutgoingMessage {
  const { version } = event;
  if (event.streamId.startsWith('tenant-')) {
    const tenant = history.reduce<TenantState>(
      (state, past) => tenantDecider.evolve(state, tenantDecider.upcast(past)),
      tenantDecider.initialState,
    );
    if (tenant.status === 'none')
      throw new Error(`stream ${event.streamId} does not begin with its registration`);
    const value: TenantMessage = {
      tenantId: tenant.tenantId,
      version,
      tenant: seal.seal('tenant', tenantRecordOf(tenant, version)),
    };
    return { topic: TENANTS_TOPIC, key: tenant.tenantId, headers: headersOf(event, tenant.tenantId), value };
  }
  const key = history.reduce<KeyState>(
    (state, past) => keyDecider.evolve(state, keyDecider.upcast(past)),
    keyDecider.initialState,
  );
  if (key.status === 'none') throw new Error(`stream ${event.streamId} does not begin with its creation`);
  const value: KeyMessage = {
    keyId: key.keyId,
    tenantId: key.tenantId,
    version,
    createdAtMs: key.createdAtMs,
    secrets: secretRecordsOf(key, version)
      .slice(-SECRETS_MAX)
      .map((record) => seal.seal('secret', record)),
  };
  return { topic: KEYS_TOPIC, key: key.keyId, headers: headersOf(event, key.keyId), value };
}

function headersOf(event: StoredEvent, subject: string): Record<string, string> {
  return {
    ce_specversion: '1.0',
    ce_id: `${event.streamId}-${event.version}`,
    ce_type: event.type satisfies string as KeyMessageType | TenantMessageType,
    ce_source: '/latchkey/key-management',
    ce_subject: subject,
    ce_time: new Date(event.recordedAtMs).toISOString(),
    'content-type': 'application/json',
  };
}
