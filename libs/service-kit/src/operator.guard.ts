import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Rejection } from '#libs/contracts';
import { bearerToken, sameSecret } from './service-callers.js';

/** The secret that the operator shows as `Authorization: Bearer …`. */
export class OperatorToken {
  constructor(readonly value: string) {}
}

/** Lets an HTTP request pass that shows the operator token. */
@Injectable()
export class OperatorGuard implements CanActivate {
  constructor(private readonly operatorToken: OperatorToken) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const token = bearerToken(request.headers.authorization);
    if (token === undefined || !sameSecret(token, this.operatorToken.value))
      throw new Rejection('UNAUTHENTICATED');
    return true;
  }
}
