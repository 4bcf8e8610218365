import { randomBytes } from 'node:crypto';
import { shippedProfile } from './shipped-profiles.js';

/** A secret of the default profile, as key-management would draw it. */
export function newDefaultSecret(environment: 'live' | 'test' = 'live'): string {
  return shippedProfile('default').keys.format.compose(environment, 'acme', randomBytes);
}
