import { applyDecorators, type Type } from '@nestjs/common';
import { ApiAcceptedResponse, ApiHeader, ApiOkResponse } from '@nestjs/swagger';

/** Describes a change that is answered when it holds wherever keys are verified. */
export function ApiChange(type: Type): MethodDecorator {
  return applyDecorators(
    ApiHeader({
      name: 'Prefer',
      required: false,
      description: '`respond-async`: answer as soon as it is committed. `wait=N`: wait N seconds at most.',
      schema: { type: 'string' },
    }),
    ApiOkResponse({ type, description: 'Enforced; or committed, with nothing to wait for.' }),
    ApiAcceptedResponse({
      type,
      description: 'Committed, and not enforced in the time that was preferred, or in 50 s.',
      headers: {
        Location: { description: 'Where to ask for its status.', schema: { type: 'string' } },
        'Preference-Applied': { description: 'The preference that was kept.', schema: { type: 'string' } },
      },
    }),
  );
}
