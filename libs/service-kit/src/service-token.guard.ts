import type { Metadata } from '@grpc/grpc-js';
import { type CanActivate, type ExecutionContext, Injectable, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { allowedCaller, type Caller, type ServiceCallers, type ServiceRole } from './service-callers.js';

const ROLE = 'latchkey:role';
const callers = new WeakMap<Metadata, Caller>();

/** Names the role that a gRPC method asks of its caller. A method without one is refused to all. */
export const RequireRole = (role: ServiceRole) => SetMetadata(ROLE, role);

/** Lets a gRPC call pass when its service token names a caller with the method's role. */
@Injectable()
export class ServiceTokenGuard implements CanActivate {
  private readonly reflector = new Reflector();

  constructor(private readonly serviceCallers: ServiceCallers) {}

  canActivate(context: ExecutionContext): boolean {
    const metadata = context.switchToRpc().getContext<Metadata>();
    const role = this.reflector.get<ServiceRole | undefined>(ROLE, context.getHandler());
    const header = metadata.get('authorization')[0]?.toString();
    callers.set(metadata, allowedCaller(header, role, this.serviceCallers));
    return true;
  }
}

/** The caller that the guard let pass with this call's metadata. */
export function callerOf(metadata: Metadata): Caller {
  const caller = callers.get(metadata);
  if (caller === undefined) throw new Error('this call did not pass the service token guard');
  return caller;
}
