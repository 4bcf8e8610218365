/** The products of the specs of verification: those that are shipped, and the default one with imported keys. */
import { randomBytes } from 'node:crypto';
import { type Profile, Profiles } from '#libs/profiles';
import { shippedProfile, shippedProfiles } from '#libs/testing/shipped-profiles';

/** The profile as it would be if keys of these patterns had been imported. */
export function withLegacyPatterns(profile: Profile, ...legacyPatterns: RegExp[]): Profile {
  return { ...profile, keys: { ...profile.keys, legacyPatterns } };
}

export const exampleProfiles = new Profiles(
  shippedProfiles.all.map((profile) =>
    profile.name === 'default' ? withLegacyPatterns(profile, /^sk_[0-9a-f]{32}$/) : profile,
  ),
);

/** A secret that seyn's key management could have drawn. */
export function seynCredential(): string {
  return shippedProfile('seyn').keys.format.compose('live', 'acme', randomBytes);
}

/** A secret that synaptiq's key management could have drawn. */
export function synaptiqCredential(): string {
  return shippedProfile('synaptiq').keys.format.compose('live', 'acme', randomBytes);
}
