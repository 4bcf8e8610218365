import { DEADLINE_MS, type NemesisVerifier, type Question, type VerifierAnswer } from './nemesis-verifier.js';

/** What the problems that a credential is refused with say of it. */
const VERDICTS: Readonly<Record<string, string>> = {
  INVALID_CREDENTIAL: 'NOT_FOUND',
  CREDENTIAL_REVOKED: 'REVOKED',
  CREDENTIAL_RETIRED: 'SECRET_RETIRED',
  CREDENTIAL_EXPIRED: 'EXPIRED',
};

/** An api that verifies in its own process, asked as its users ask it: by a request with a key. */
export class ApiVerifier implements NemesisVerifier {
  readonly takesCredentialsAlone = true;

  constructor(
    readonly name: string,
    readonly incarnation: () => string,
    private readonly url: string,
  ) {}

  verify(questions: readonly Question[]): Promise<VerifierAnswer[]> {
    return Promise.all(questions.map(({ credential }) => this.request(credential)));
  }

  close(): void {
    // A connection that nobody uses ends by itself.
  }

  private async request(credential: string): Promise<VerifierAnswer> {
    try {
      const response = await fetch(`${this.url}/v1/whoami`, {
        headers: { authorization: `Bearer ${credential}` },
        signal: AbortSignal.timeout(DEADLINE_MS),
      });
      const body = (await response.json()) as { code?: string };
      if (response.status === 200) return { answer: 'VALID' };
      const code = body.code ?? String(response.status);
      return { answer: VERDICTS[code] ?? code };
    } catch {
      return { answer: 'UNREACHED' };
    }
  }
}
