import type { FastifyRequest } from 'fastify';
import { Rejection } from '#libs/contracts';
import type { WrittenForms } from '../collections/written-forms.js';
import { productOf } from '../products/product.hook.js';
import type { OpenApiObject } from './openapi-object.js';
import { productDocument } from './product-document.js';

/**
 * The document of the product that a request is for, in the version that its query names, by default the newest. Rejects
 * with INVALID_REQUEST a version that the product does not have.
 */
export function documentFor(request: FastifyRequest, own: OpenApiObject, forms: WrittenForms): OpenApiObject {
  const product = productOf(request);
  const dates = product.versions?.dated.map(({ date }) => date) ?? [];
  const wished =
    new URL(request.originalUrl, 'http://any').searchParams.get('version') ?? dates.at(-1) ?? null;
  if (wished !== null && !dates.includes(wished)) {
    const message =
      dates.length === 0 ? 'is none: there are no versions' : `is none; there are ${dates.join(', ')}`;
    throw new Rejection('INVALID_REQUEST', [{ field: 'version', message }]);
  }
  const protocol = product.httpsOnly ? 'https' : request.protocol;
  return productDocument(product, wished, own, { forms, serverUrl: `${protocol}://${request.host}` });
}
