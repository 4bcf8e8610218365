import type { Profile } from '#libs/profiles';
import { readProfiles } from '#libs/profiles/file-profiles';

/** The profiles of `deploy/profiles`. */
export const shippedProfiles = readProfiles('deploy/profiles', []);

export function shippedProfile(name: string): Profile {
  const profile = shippedProfiles.named(name);
  if (profile === undefined) throw new Error(`there is no profile ${name}`);
  return profile;
}
