import { Rejection } from '#libs/contracts';
import type { Decider } from '../commands/decider.js';
import { type TenantEvent, tenantEventSchemaVersion, upcastTenantEvent } from './tenant.events.js';

export interface ExistingTenant {
  status: 'active' | 'suspended';
  tenantId: string;
  name: string;
  /** Most keys that are neither revoked nor expired. */
  maxActiveKeys: number;
  registeredAtMs: number;
}

export type TenantState = { status: 'none' } | ExistingTenant;

/** Wishes about one tenant; times are milliseconds since the epoch. */
export type TenantCommand = { tenantId: string; nowMs: number } & (
  | { type: 'RegisterTenant'; name: string | undefined; maxActiveKeys: number | undefined }
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
  const { tenantId, nowMs } = command;
  switch (command.type) {
    case 'RegisterTenant': {
      if (state.status === 'none') {
        const { name = tenantId, maxActiveKeys = MAX_ACTIVE_KEYS_DEFAULT } = command;
        return [{ type: 'TenantRegistered', data: { tenantId, name, maxActiveKeys, registeredAtMs: nowMs } }];
      }
      const { name = state.name, maxActiveKeys = state.maxActiveKeys } = command;
      if (name === state.name && maxActiveKeys === state.maxActiveKeys) return [];
      return [{ type: 'TenantChanged', data: { name, maxActiveKeys } }];
    }
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

function evolve(state: TenantState, event: TenantEvent): TenantState {
  if (event.type === 'TenantRegistered') return { status: 'active', ...event.data };
  if (state.status === 'none') return state;
  switch (event.type) {
    case 'TenantChanged':
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
