import { DEADLINE_MS, type NemesisVerifier, type Question, type VerifierAnswer } from './nemesis-verifier.js';

/** A service that verifies in its own process (in-process-verifier.mjs), asked over HTTP. */
export class HttpVerifier implements NemesisVerifier {
  constructor(
    readonly name: string,
    readonly incarnation: () => string,
    private readonly url: string,
  ) {}

  async verify(questions: readonly Question[]): Promise<VerifierAnswer[]> {
    try {
      const response = await fetch(`${this.url}/verify`, {
        method: 'POST',
        body: JSON.stringify(questions),
        signal: AbortSignal.timeout(DEADLINE_MS),
      });
      const answered = (await response.json()) as VerifierAnswer | VerifierAnswer[];
      return Array.isArray(answered) ? answered : questions.map(() => answered);
    } catch {
      return questions.map(() => ({ answer: 'UNREACHED' }));
    }
  }

  close(): void {
    // A connection that nobody uses ends by itself.
  }
}
