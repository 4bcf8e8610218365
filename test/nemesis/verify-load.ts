import type { Chance } from './chance.js';
import type { HistoryWriter } from './history-file.js';
import type { NemesisVerifier, VerifierAnswer } from './nemesis-verifier.js';
import { type Credential, type Population, SCOPE } from './population.js';

const BATCH_MAX = 16;
/** Some 50 verifications a second at each verifier, one call of ten a batch: gentle to a machine of two cores. */
const CALLS_PER_SECOND = 25;
/** How many of the questions about a key, of which something was answered, ask to be at least as fresh as that. */
const AT_LEAST_AS_FRESH = 0.2;

/** Verifications by every verifier without end, and on demand; each is kept with what came of it. */
export class VerifyLoad {
  private readonly running = new Set<Promise<unknown>>();
  private timers: NodeJS.Timeout[] = [];

  constructor(
    private readonly verifiers: readonly NemesisVerifier[],
    private readonly population: Population,
    private readonly chance: Chance,
    private readonly history: HistoryWriter,
  ) {}

  /** A call does not wait for the one before: what a paused verifier is asked is there when it goes on. */
  start(): void {
    this.timers = this.verifiers.map((verifier) =>
      setInterval(() => {
        const size = this.chance.happens(0.1) ? Math.ceil(this.chance.between(1, BATCH_MAX)) : 1;
        const credentials = Array.from({ length: size }, () => this.population.credentialToVerify());
        void this.verify(verifier, credentials);
      }, 1000 / CALLS_PER_SECOND),
    );
  }

  /** Asks every verifier about each of these at once. */
  probe(credentials: readonly Credential[], asksForScope: boolean): void {
    for (const verifier of this.verifiers)
      for (const credential of credentials) void this.verify(verifier, [credential], asksForScope);
  }

  /** Resolves to the answers; they are in the history too. */
  verify(
    verifier: NemesisVerifier,
    credentials: readonly Credential[],
    asksForScope = this.chance.happens(0.3),
  ): Promise<VerifierAnswer[]> {
    const work = this.ask(verifier, credentials, asksForScope);
    this.running.add(work);
    void work.finally(() => this.running.delete(work));
    return work;
  }

  async stop(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    while (this.running.size > 0) await Promise.all(this.running);
  }

  private async ask(
    verifier: NemesisVerifier,
    credentials: readonly Credential[],
    wantsScope: boolean,
  ): Promise<VerifierAnswer[]> {
    const asksForScope = wantsScope && !verifier.takesCredentialsAlone;
    const requiredScopes = asksForScope ? [SCOPE] : [];
    const questions = credentials.map(({ key, secret }) => ({
      credential: secret,
      requiredScopes,
      ...(key.revision !== undefined &&
        !verifier.takesCredentialsAlone &&
        this.chance.happens(AT_LEAST_AS_FRESH) && { atLeastRevision: key.revision }),
    }));
    const asked = verifier.incarnation();
    const from = this.history.now();
    const answers = await verifier.verify(questions);
    const to = this.history.now();
    const answered = verifier.incarnation();
    // Where the process was replaced meanwhile nobody knows whose memory this answer came from.
    const incarnation = asked === answered ? asked : `${asked} or ${answered}, ${from}`;
    credentials.forEach(({ key, generation }, place) => {
      const { answer, revision } = answers[place] as VerifierAnswer;
      const atLeast = questions[place]?.atLeastRevision;
      if (revision !== undefined) key.revision = revision;
      this.history.write({
        type: 'verify',
        verifier: verifier.name,
        incarnation,
        from,
        to,
        keyId: key.keyId,
        tenantId: key.tenant.tenantId,
        generation,
        ...(asksForScope && { scope: SCOPE }),
        answer,
        ...(atLeast !== undefined && { atLeast }),
        ...(revision !== undefined && { revision }),
      });
    });
    return answers;
  }
}
