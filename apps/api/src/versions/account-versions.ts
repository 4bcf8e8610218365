/** Keeps which version of a product's API each account is pinned to. */
export abstract class AccountVersions {
  /** The account's version; `newest` becomes it where this is the account's first call. Rejects with UNAVAILABLE. */
  abstract pinned(tenantId: string, newest: string): Promise<string>;
  /** Pins the account to a version, unless it has a later one by now; resolves to the one it has. */
  abstract upgrade(tenantId: string, version: string): Promise<string>;
}
