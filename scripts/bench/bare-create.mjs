/**
 * The peer of create: a bare `pg` client that inserts the same rows, each create in one transaction of four round
 * trips. The rows are those of a key that Latchkey's own create has made, with another id and digest.
 */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { forInFlight } from './for-in-flight.mjs';
import { serveWorker } from './worker.mjs';

serveWorker(async ({ adminUrl, tenantIds, connections }) => {
  const pool = new pg.Pool({ connectionString: adminUrl, max: connections });
  const { rows } = await pool.query(
    `select e.type, e.schema_version, e.data::text, e.metadata::text, k.key_id, k.environment, k.state::text, s.digest
     from keys.keys k join keys.events e on e.stream_id = 'key-' || k.key_id join keys.secrets s using (key_id) limit 1`,
  );
  const [like] = rows;
  const resembling = (text, keyId, digest) =>
    text.replaceAll(like.key_id, keyId).replaceAll(like.digest, digest);

  async function create(n) {
    const tenantId = tenantIds[n % tenantIds.length];
    const keyId = `key_${randomBytes(15).toString('hex')}`;
    const digest = randomBytes(32).toString('hex');
    const client = await pool.connect();
    try {
      await client.query('begin');
      await client.query(
        `insert into keys.events (stream_id, tenant_id, version, type, schema_version, data, metadata)
         values ($1, $2, 1, $3, $4, $5, $6)`,
        [
          `key-${keyId}`,
          tenantId,
          like.type,
          like.schema_version,
          resembling(like.data, keyId, digest),
          like.metadata,
        ],
      );
      await client.query(
        `with key as (
           insert into keys.keys (key_id, tenant_id, environment, created_at, counted, version, state, created_by_type,
                                  created_by_id)
           values ($1, $2, $3, now(), true, 1, $4, 'operator', 'bench'))
         insert into keys.secrets (digest, key_id, tenant_id) values ($5, $1, $2)`,
        [keyId, tenantId, like.environment, resembling(like.state, keyId, digest), digest],
      );
      await client.query('commit');
    } finally {
      client.release();
    }
  }
  return { answer: ({ inFlight, ms }) => forInFlight(create, inFlight, ms), stop: () => pool.end() };
});
