import { type ErrorCause, type Profile, wordedError } from '#libs/profiles';
import { type HttpError, problemAnswer, type RenderedError } from '#libs/service-kit';

/** An error in the words of a product: its own body, or RFC 9457 where it speaks that. */
export function errorOfProduct(profile: Profile, error: HttpError, requestId: string): RenderedError {
  const cause: ErrorCause = error.rejection?.code ?? 'INTERNAL';
  const { status, body } = wordedError(profile, cause, error.errorId, fieldsOf(error));
  if (body === undefined) return problemAnswer(error, requestId);
  return { status, contentType: 'application/json; charset=utf-8', body, realm: profile.name };
}

function fieldsOf({ rejection }: HttpError): string {
  return (rejection?.fields ?? []).map(({ field, message }) => ` ${field}: ${message}.`).join('');
}
