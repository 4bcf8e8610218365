/** The clocks of this machine, and what is to be done later. */
export abstract class Clocks {
  /** Milliseconds that never go back; they may stand still while the machine is suspended. */
  abstract monotonicMs(): number;

  /** Milliseconds since the epoch, as somebody set them. */
  abstract wallMs(): number;

  /** Milliseconds since the machine was started, suspended or not. */
  abstract bootMs(): number;

  /** Calls back once, after so many monotonic milliseconds or later; the result takes it back. */
  abstract after(delayMs: number, callback: () => void): () => void;
}
