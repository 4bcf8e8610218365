/** What an operator may call a tenant; nothing else ever names one. */
export const TENANT_ID = /^[a-z0-9][a-z0-9_-]{0,62}$/;

export function isTenantId(text: string): boolean {
  return TENANT_ID.test(text);
}
