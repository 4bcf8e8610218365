/**
 * A deliberate mistake, for the negative control alone: whoever loads this before the rest (`node --import`) answers
 * by a lease that never ends.
 */
import { FenceVerifier } from '#libs/fence';

const standing = Reflect.get(FenceVerifier.prototype, 'standing');

FenceVerifier.prototype.standing = function (key, tenant, nowMs) {
  const overdueMs = Math.max(0, -this.leaseLeftMs(nowMs));
  return standing.call(this, key, tenant, nowMs - overdueMs - 1);
};
