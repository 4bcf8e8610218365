import type { FenceChange } from '../fencing/fence-change.js';
import type { KeyState } from '../keys/key.state.js';
import type { TenantState } from '../tenants/tenant.decider.js';

/** What the read model stores of a stream's new state, and what the fence log says of the change. */
export type Projected = { fence: FenceChange | undefined } & (
  | {
      kind: 'key';
      state: KeyState;
      version: number;
      /** Id of the key that manages this one, whose rights the change is made by. */
      managedBy?: string | undefined;
    }
  | { kind: 'tenant'; state: TenantState; version: number }
);
