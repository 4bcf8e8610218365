/** `commit`: the fence log got longer. `ack`: what verifiers acknowledged, or which of them there are, changed. */
export type FenceSignal = 'commit' | 'ack';

/** Wakes a replica when another one, or itself, wrote. Signals may be lost: whoever needs them looks by itself too. */
export abstract class FenceSignals {
  abstract start(on: (signal: FenceSignal) => void): void;
  abstract close(): Promise<void>;
}
