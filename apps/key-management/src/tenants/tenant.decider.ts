import { Rejection } from '#libs/contracts';
import { DEFAULT_PROFILE, type Profile, type Profiles } from '#libs/profiles';
import type { Decider } from '../commands/decider.js';
import { type TenantEvent, tenantEventSchemaVersion, upcastTenantEvent } from './tenant.events.js';

export interface ExistingTenant {
  status: 'active' | 'suspended';
  tenantId: string;
  name: string;
  /** Most keys that are neither revoked nor expired. */
  maxActiveKeys: number;
  /** The product that it belongs to, for ever. */
  profile: string;
  /** Null where the product has no plans. */
  plan: string | null;
  registeredAtMs: number;
}

export type TenantState = { status: 'none' } | ExistingTenant;

/** What is undefined stays, or of a new tenant is as its product has it. */
export interface TenantWish {
  name: string | undefined;
  maxActiveKeys: number | undefined;
  profile: string | undefined;
  plan: string | null | undefined;
}

/** Wishes about one tenant; times are milliseconds since the epoch. */
export type TenantCommand = { tenantId: string; nowMs: number } & (
  | ({ type: 'RegisterTenant'; profiles: Profiles } & TenantWish)
  | { type: 'SuspendTenant'; reason: string | null }
  | { type: 'ResumeTenant'; reason: string | null }
);

const MAX_ACTIVE_KEYS_DEFAULT = 1000;

export const tenantDecider: Decider<TenantCommand, TenantState, TenantEvent> = {
  initialState: { status: 'none' },
  decide,
  evolve,
  upcast: upcastTenantEvent,
  schemaVersionOf: tenantEventSchemaVersion,
};

function decide(command: TenantCommand, state: TenantState): TenantEvent[] {
  const { nowMs } = command;
  switch (command.type) {
    case 'RegisterTenant':
      return registration(command, state);
    case 'SuspendTenant':
      if (existing(state).status === 'suspended') return [];
      return [{ type: 'TenantSuspended', data: { reason: command.reason, suspendedAtMs: nowMs } }];
    case 'ResumeTenant':
      if (existing(state).status === 'active') return [];
      return [{ type: 'TenantResumed', data: { reason: command.reason, resumedAtMs: nowMs } }];
    default: {
      const unknown: never = command;
      return unknown;
    }
  }
}

function registration(
  command: TenantCommand & { type: 'RegisterTenant' },
  state: TenantState,
): TenantEvent[] {
  const { tenantId, nowMs, profiles } = command;
  const isNew = state.status === 'none';
  const profileName = isNew ? (command.profile ?? DEFAULT_PROFILE) : state.profile;
  if (command.profile !== undefined && command.profile !== profileName) throw new Rejection('PROFILE_FIXED');
  const profile = profiles.named(profileName);
  if (profile === undefined) throw wrong('profile', `must be one of ${profiles.names.join(', ')}`);
  const { maxActive } = profile.keys;
  if (maxActive !== null && (command.maxActiveKeys ?? 0) > maxActive) {
    throw wrong('maxActiveKeys', `must be at most ${maxActive}`);
  }
  const {
    name = isNew ? tenantId : state.name,
    maxActiveKeys = isNew ? (maxActive ?? MAX_ACTIVE_KEYS_DEFAULT) : state.maxActiveKeys,
    plan = isNew ? (profile.plans[0] ?? null) : state.plan,
  } = command;
  // A plan that is only kept is not judged: its product may have other ones by now.
  if (command.plan !== undefined) refuseUnknownPlan(profile, command.plan);
  if (isNew) {
    const data = { tenantId, name, maxActiveKeys, profile: profileName, plan, registeredAtMs: nowMs };
    return [{ type: 'TenantRegistered', data }];
  }
  const events: TenantEvent[] = [];
  if (name !== state.name || maxActiveKeys !== state.maxActiveKeys) {
    events.push({ type: 'TenantChanged', data: { name, maxActiveKeys } });
  }
  if (plan !== state.plan) events.push({ type: 'TenantPlanChanged', data: { plan } });
  return events;
}

function refuseUnknownPlan({ plans }: Profile, plan: string | null): void {
  const isThere = plan === null ? plans.length === 0 : plans.includes(plan);
  if (!isThere)
    throw wrong('plan', plans.length > 0 ? `must be one of ${plans.join(', ')}` : 'must be absent');
}

function wrong(field: string, message: string): Rejection {
  return new Rejection('INVALID_REQUEST', [{ field, message }]);
}

function evolve(state: TenantState, event: TenantEvent): TenantState {
  if (event.type === 'TenantRegistered') return { status: 'active', ...event.data };
  if (state.status === 'none') return state;
  switch (event.type) {
    case 'TenantChanged':
    case 'TenantPlanChanged':
      return { ...state, ...event.data };
    case 'TenantSuspended':
      return { ...state, status: 'suspended' };
    case 'TenantResumed':
      return { ...state, status: 'active' };
    default: {
      const unknown: never = event;
      return unknown;
    }
  }
}

function existing(state: TenantState): ExistingTenant {
  if (state.status === 'none') throw new Rejection('TENANT_NOT_FOUND');
  return state;
}
