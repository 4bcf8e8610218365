import 'reflect-metadata';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  ArrayUnique,
  IsArray,
  IsIn,
  IsInt,
  IsObject,
  IsString,
  Length,
  Matches,
  Max,
  Min,
  ValidateNested,
} from 'class-validator';
import { IfGiven } from './document-member.request.js';

/** Longest grace period of a rotation, seconds. */
const GRACE_SECONDS_MAX = 2_592_000;
const ENVIRONMENT = /^[A-Za-z0-9]{1,16}$/;
const ENVIRONMENT_MESSAGE = 'must be 1 to 16 letters and digits';

export class EnvironmentsDocument {
  @IfGiven()
  @Matches(ENVIRONMENT, { message: ENVIRONMENT_MESSAGE })
  live?: string;

  @IfGiven()
  @Matches(ENVIRONMENT, { message: ENVIRONMENT_MESSAGE })
  test?: string;
}

export class FormatDocument {
  @IsString()
  @Length(1, 100)
  template!: string;

  @IsObject()
  @ValidateNested()
  @Type(() => EnvironmentsDocument)
  environments!: EnvironmentsDocument;

  /** Characters and ranges of them, like `0-9a-z`. */
  @Matches(/^([0-9A-Za-z](-[0-9A-Za-z])?){1,62}$/, {
    message: 'must be letters, digits and ranges of them, like 0-9a-z',
  })
  alphabet!: string;

  @IsInt()
  @Min(8)
  @Max(200)
  randomLength!: number;

  @IsIn(['none', 'crc32'])
  checksum!: 'none' | 'crc32';
}

export class HintDocument {
  @IsInt()
  @Min(0)
  @Max(12)
  first!: number;

  @IsInt()
  @Min(0)
  @Max(4)
  last!: number;
}

export class RotationDocument {
  @IsInt()
  @Min(0)
  @Max(GRACE_SECONDS_MAX)
  graceSecondsDefault!: number;
}

/** `keys` of a profile's document. */
export class KeysDocument {
  @IsObject()
  @ValidateNested()
  @Type(() => FormatDocument)
  format!: FormatDocument;

  @IsArray()
  @ArrayMaxSize(20)
  @ArrayUnique()
  @IsString({ each: true })
  @Length(1, 200, { each: true })
  legacyPatterns!: string[];

  @IsObject()
  @ValidateNested()
  @Type(() => HintDocument)
  hint!: HintDocument;

  /** Absent: as each tenant was registered. */
  @IfGiven()
  @IsInt()
  @Min(1)
  @Max(1_000_000)
  maxActive?: number;

  @IsIn(['never', 'optional', 'required'])
  expiry!: 'never' | 'optional' | 'required';

  /** Absent: secrets are not rotated. */
  @IfGiven()
  @IsObject()
  @ValidateNested()
  @Type(() => RotationDocument)
  rotation?: RotationDocument;

  @IsArray()
  @ArrayUnique()
  @IsIn(['name', 'scopes', 'expiresAt', 'metadata', 'rateLimit'], { each: true })
  changes!: ('name' | 'scopes' | 'expiresAt' | 'metadata' | 'rateLimit')[];

  @IsArray()
  @ArrayNotEmpty()
  @ArrayUnique()
  @IsIn(['active', 'expired', 'revoked'], { each: true })
  listed!: ('active' | 'expired' | 'revoked')[];

  @IsIn(['success', 'authentication'])
  lastUsed!: 'success' | 'authentication';
}
