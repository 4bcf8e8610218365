/** The decorators that the classes of the document share: each prints one plain sentence. */
import { Matches, ValidateIf } from 'class-validator';

interface Each {
  each?: boolean;
}

/** The member may be left out; what is there, also null, must be as the other decorators say. */
export function IfGiven(): PropertyDecorator {
  return ValidateIf((_, value) => value !== undefined);
}

/** A name of a scope. */
export function IsScope(): PropertyDecorator {
  return Matches(/^[a-z][a-z0-9:._-]{0,63}$/, {
    message:
      'must begin with a small letter and have at most 64 small letters, digits, ":", ".", "_" and "-"',
  });
}

/** A name of a profile or a plan. */
export function IsWord({ each = false }: Each = {}): PropertyDecorator {
  return Matches(/^[a-z][a-z0-9-]{0,31}$/, {
    each,
    message: 'must begin with a small letter and have at most 32 small letters, digits and "-"',
  });
}

/** A name of a property of JSON. */
export function IsField(): PropertyDecorator {
  return Matches(/^[a-z][A-Za-z0-9_]{0,63}$/, {
    message: 'must begin with a small letter and have at most 64 letters, digits and "_"',
  });
}

/** A path of URLs without a slash at its end, and without segments that clients would resolve. */
export function IsPath(): PropertyDecorator {
  return Matches(/^(\/(?!\.{1,2}(\/|$))[A-Za-z0-9._~-]{1,64}){1,8}$/, {
    message: 'must be a path like /api/v1, without a slash at its end',
  });
}

export function IsHost({ each = false }: Each = {}): PropertyDecorator {
  return Matches(
    /^(\*|(?!.{254})[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*)$/,
    {
      each,
      message: 'must be host names in lower case without port, or "*"',
    },
  );
}

/** How browsers name the site that a script came from. */
export function IsOrigin({ each = false }: Each = {}): PropertyDecorator {
  return Matches(/^(\*|https?:\/\/[a-z0-9.-]{1,253}(:[0-9]{1,5})?)$/, {
    each,
    message: 'must be origins like https://app.example.com, or "*"',
  });
}

/** A code of errors, as programs compare it. */
export function IsErrorCode(): PropertyDecorator {
  return Matches(/^[A-Za-z][A-Za-z0-9_.-]{0,63}$/, {
    message: 'must begin with a letter and have at most 64 letters, digits, "_", "." and "-"',
  });
}

/** Text that people read, in one line. */
export function IsLine(lengthMax: number, { each = false }: Each = {}): PropertyDecorator {
  return Matches(new RegExp(`^[^\\p{Cc}]{1,${lengthMax}}$`, 'u'), {
    each,
    message: `must be one line of at most ${lengthMax} characters`,
  });
}
