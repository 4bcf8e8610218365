import { setTimeout as delay } from 'node:timers/promises';
import { type KeyView, type RecordId, RecordSeal } from '#libs/key-view';
import type { Logger } from '#libs/service-kit';
import type { RebuildConfig } from '../config.js';
import { rebuildKeyView } from '../projection/rebuild-key-view.js';
import { GrpcKeyAuthority } from '#libs/verification/grpc-key-authority';

/** How long the view may take to be there. */
const VIEW_WAIT_MS = 10_000;

/**
 * Puts everything that key-management has into the view, prints how much that was, and lets go of all. Verifiers may
 * run meanwhile. Rejects when either side is away.
 */
export async function serve(
  config: RebuildConfig,
  { keyView, logger }: { keyView: KeyView; logger: Logger },
): Promise<{ close(): Promise<void> }> {
  const authority = new GrpcKeyAuthority(config.managementAddress, config.serviceToken);
  const seal = new RecordSeal(config.sealKeys);
  const onUnsound = (at: RecordId) => {
    logger.error({ record: at }, 'a record that no seal key of this process sealed was left out');
  };
  try {
    await untilThere(keyView);
    const counts = await rebuildKeyView({ view: keyView, seal, onUnsound }, authority);
    process.stdout.write(
      `key view rebuilt: ${counts.tenants} tenants, ${counts.secrets} secrets, ${counts.refused} refused\n`,
    );
    if (counts.refused > 0) process.exitCode = 1;
  } finally {
    authority.close();
    await keyView.close();
  }
  return { close: async () => undefined };
}

async function untilThere(view: KeyView): Promise<void> {
  const deadlineMs = Date.now() + VIEW_WAIT_MS;
  for (;;) {
    try {
      return await view.check();
    } catch (error) {
      if (Date.now() > deadlineMs) throw error;
      await delay(100);
    }
  }
}
