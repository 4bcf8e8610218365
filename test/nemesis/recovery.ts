import { eventually } from '#libs/testing/eventually';
import type { CommandLoad } from './command-load.js';
import type { Commands } from './commands.js';
import type { NemesisVerifier } from './nemesis-verifier.js';
import type { Credential, Population } from './population.js';
import type { VerifyLoad } from './verify-load.js';

const RECOVERED_MS = 60_000;
const BATCH = 100;

export interface Recovering {
  readonly commanding: CommandLoad;
  readonly commands: Commands;
  readonly verifying: VerifyLoad;
  readonly verifiers: readonly NemesisVerifier[];
  readonly population: Population;
}

/**
 * When no fault is left: every command comes to its end and every verifier says of every key
 * what its commands have made of it. Resolves to what did not come true.
 */
export async function untilRecovered(parts: Recovering): Promise<string[]> {
  const { commanding, commands, verifying, verifiers, population } = parts;
  const problems: string[] = [];
  const within = async (what: string, check: () => Promise<void>) => {
    await eventually(check, { timeoutMs: RECOVERED_MS, everyMs: 250 }).catch((error: unknown) => {
      problems.push(`${what} did not recover: ${(error as Error).message}`);
    });
  };
  const giveUp = setTimeout(() => {
    problems.push('commands were not answered any more');
    commands.stop();
  }, RECOVERED_MS);
  await commanding.stop();
  clearTimeout(giveUp);

  const credentials = population.allCredentials().filter(isCertain);
  for (const verifier of verifiers) {
    for (let at = 0; at < credentials.length; at += BATCH) {
      const asked = credentials.slice(at, at + BATCH);
      await within(verifier.name, async () => {
        const answers = await verifying.verify(verifier, asked, false);
        asked.forEach((credential, place) => {
          const [expected, answer] = [expectedOf(credential), answers[place]?.answer];
          if (answer !== expected) throw new Error(`${credential.key.keyId} is ${expected}, not ${answer}`);
        });
      });
    }
  }
  return problems;
}

function isCertain({ key }: Credential): boolean {
  return !key.busy && !key.tenant.busy && !key.tenant.unclear;
}

function expectedOf({ key }: Credential): string {
  if (key.revoked) return 'REVOKED';
  return key.tenant.suspended ? 'TENANT_SUSPENDED' : 'VALID';
}
