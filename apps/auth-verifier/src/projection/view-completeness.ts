import type { KeyAuthority } from '#libs/verification';
import type { Projection } from './project-records.js';
import { type RebuildCounts, rebuildKeyView } from './rebuild-key-view.js';

/** Fills the view again when it has lost what it held. */
export class ViewCompleteness {
  private ensuring: Promise<void> | undefined;
  private failing = false;

  constructor(
    private readonly projection: Projection,
    private readonly authority: KeyAuthority,
    private readonly watch: {
      onRebuilt(counts: RebuildCounts): void;
      /** Told of the first failure of a row. */
      onFailure: (error: unknown) => void;
    },
  ) {}

  /** Rebuilds the view unless it is complete. Never rejects: who calls it again later tries again. */
  ensure(): Promise<void> {
    this.ensuring ??= this.rebuildIfNeeded().finally(() => {
      this.ensuring = undefined;
    });
    return this.ensuring;
  }

  private async rebuildIfNeeded(): Promise<void> {
    try {
      if (!(await this.projection.view.isComplete())) {
        this.watch.onRebuilt(await rebuildKeyView(this.projection, this.authority));
      }
      this.failing = false;
    } catch (error) {
      if (!this.failing) this.watch.onFailure(error);
      this.failing = true;
    }
  }
}
