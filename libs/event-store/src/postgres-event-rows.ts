import type { Append, EventMetadata, StoredEvent } from './event-store.js';
import type { Transaction } from './read-model.js';

interface EventRow {
  position: string;
  stream_id: string;
  tenant_id: string;
  version: string;
  type: string;
  schema_version: number;
  data: object;
  metadata: EventMetadata;
  recorded_at: Date;
}

/** Reads events; `rest` is the statement after its `from`, with parameters. */
export async function selectEvents(
  transaction: Transaction,
  rest: string,
  parameters: unknown[],
): Promise<StoredEvent[]> {
  const rows = (await transaction.query(
    `select position, stream_id, tenant_id, version, type, schema_version, data, metadata, recorded_at
     from keys.events ${rest}`,
    parameters,
  )) as EventRow[];
  return rows.map((row) => ({
    position: Number(row.position),
    streamId: row.stream_id,
    tenantId: row.tenant_id,
    version: Number(row.version),
    type: row.type,
    schemaVersion: row.schema_version,
    data: row.data,
    metadata: row.metadata,
    recordedAtMs: row.recorded_at.getTime(),
  }));
}

/**
 * Stores the events of appends to different streams, in their order; answers the streams that had the version
 * expected, the others' events are not stored. The caller holds the lock under which events are appended.
 */
export async function insertEvents(
  transaction: Transaction,
  appends: readonly Append<unknown>[],
): Promise<Set<string>> {
  const rows = appends.flatMap(({ streamId, tenantId, expectedVersion, events, metadata }) =>
    events.map((event, index) => ({
      ...event,
      streamId,
      tenantId,
      expectedVersion,
      metadata,
      place: index + 1,
    })),
  );
  const inserted = (await transaction.query(
    `insert into keys.events (stream_id, tenant_id, version, type, schema_version, data, metadata)
     select stream_id, tenant_id, expected + place, type, schema_version, data, metadata
     from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::integer[], $7::jsonb[],
                 $8::jsonb[]) with ordinality
       as added (stream_id, tenant_id, expected, place, type, schema_version, data, metadata, ordinal)
     where expected = (select coalesce(max(stored.version), 0) from keys.events stored
                       where stored.stream_id = added.stream_id)
     order by ordinal
     returning stream_id`,
    [
      rows.map(({ streamId }) => streamId),
      rows.map(({ tenantId }) => tenantId),
      rows.map(({ expectedVersion }) => expectedVersion),
      rows.map(({ place }) => place),
      rows.map(({ type }) => type),
      rows.map(({ schemaVersion }) => schemaVersion),
      rows.map(({ data }) => JSON.stringify(data)),
      rows.map(({ metadata }) => JSON.stringify(metadata)),
    ],
  )) as { stream_id: string }[];
  return new Set(inserted.map(({ stream_id }) => stream_id));
}
