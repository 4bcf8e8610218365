import type { KeyState } from '../keys/key.state.js';
import type { TenantState } from '../tenants/tenant.decider.js';

/** What the read model stores of a stream's new state. */
export type Projected =
  | { kind: 'key'; state: KeyState; version: number }
  | { kind: 'tenant'; state: TenantState; version: number };
