import type { SealedRecord } from '#libs/contracts';
import type { KeyView, RecordId, RecordSeal } from '#libs/key-view';
import type { UnsoundRecordAlarm } from '#libs/verification';
import type { CarriedRecord } from './lifecycle-records.js';

export interface Projection {
  view: KeyView;
  seal: RecordSeal;
  onUnsound: UnsoundRecordAlarm;
}

/**
 * Puts the records that key-management sealed into the view, and tells where; the others alarm and go nowhere. The
 * version that counts is the sealed one, never what the outside of a message says. Rejects when the view is away.
 */
export async function projectRecords(
  { view, seal, onUnsound }: Projection,
  carried: readonly CarriedRecord[],
): Promise<RecordId[]> {
  const projected = await Promise.all(
    carried.map(async ({ at, sealed }) => {
      const version = soundVersion(seal, at, sealed);
      if (version === undefined) {
        onUnsound(at);
        return [];
      }
      await view.put(at, version, sealed);
      return [at];
    }),
  );
  return projected.flat();
}

function soundVersion(seal: RecordSeal, { kind, id }: RecordId, sealed: SealedRecord): number | undefined {
  return (kind === 'secret' ? seal.open({ kind, id }, sealed) : seal.open({ kind, id }, sealed))?.version;
}
