import 'reflect-metadata';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  ArrayUnique,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsObject,
  Matches,
  Max,
  Min,
  ValidateNested,
} from 'class-validator';
import { CollectionDocument } from './collections-document.request.js';
import { IfGiven, IsHost, IsLine, IsOrigin, IsPath, IsScope, IsWord } from './document-member.request.js';
import { ErrorsDocument } from './errors-document.request.js';
import { KeysDocument } from './keys-document.request.js';
import { VersionsDocument } from './versions-document.request.js';

/** Upper case: methods are compared as they come. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

export class ScopeRuleDocument {
  @IsScope()
  name!: string;

  /** Absent: any method; with `managesKeys`, of managed keys alone. */
  @IfGiven()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayUnique()
  @IsIn(METHODS, { each: true })
  methods?: string[];

  /** Absent: false. */
  @IfGiven()
  @IsBoolean()
  managesKeys?: boolean;
}

export class ScopesDocument {
  @IsIn(['free', 'some', 'one', 'all'])
  choice!: 'free' | 'some' | 'one' | 'all';

  @IsIn(['refused', 'all'])
  whenAbsent!: 'refused' | 'all';

  @IsArray()
  @ArrayMaxSize(64)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Type(() => ScopeRuleDocument)
  rules!: ScopeRuleDocument[];
}

export class RateLimitRowDocument {
  /** Absent: any. */
  @IfGiven()
  @IsScope()
  scope?: string;

  /** Absent: any. */
  @IfGiven()
  @IsWord()
  plan?: string;

  @IsInt()
  @Min(1)
  @Max(1_000_000)
  requestsPerMinute!: number;
}

export class RateLimitDocument {
  @IsIn(['key', 'tenant'])
  per!: 'key' | 'tenant';

  @IsIn(['most', 'fewest'])
  ofSeveralScopes!: 'most' | 'fewest';

  @IsBoolean()
  xHeaders!: boolean;

  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(1000)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Type(() => RateLimitRowDocument)
  rows!: RateLimitRowDocument[];
}

export class RoleDocument {
  @Matches(/^[A-Za-z][A-Za-z0-9:_ -]{0,31}$/, {
    message: 'must begin with a letter and have at most 32 letters, digits, ":", "_", "-" and spaces',
  })
  name!: string;

  @IsArray()
  @ArrayUnique()
  @IsIn(['create', 'view', 'revoke'], { each: true })
  may!: ('create' | 'view' | 'revoke')[];
}

/** `deploy/profiles/<name>.yaml` as it is written; what each member means stands at {@link Profile}. */
export class ProfileDocument {
  @IsWord()
  name!: string;

  @IsLine(100)
  title!: string;

  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(100)
  @ArrayUnique()
  @IsHost({ each: true })
  hosts!: string[];

  @IsPath()
  basePath!: string;

  @IsBoolean()
  httpsOnly!: boolean;

  @IsArray()
  @ArrayMaxSize(100)
  @ArrayUnique()
  @IsOrigin({ each: true })
  corsOrigins!: string[];

  @IsObject()
  @ValidateNested()
  @Type(() => KeysDocument)
  keys!: KeysDocument;

  @IsObject()
  @ValidateNested()
  @Type(() => ScopesDocument)
  scopes!: ScopesDocument;

  /** Absent: keys do not manage keys. */
  @IfGiven()
  @IsPath()
  managedKeysPath?: string;

  @IsArray()
  @ArrayMaxSize(32)
  @ArrayUnique()
  @IsWord({ each: true })
  plans!: string[];

  @IsIn(['cursor', 'object-ids'])
  paging!: 'cursor' | 'object-ids';

  @IsArray()
  @ArrayMaxSize(32)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Type(() => CollectionDocument)
  collections!: CollectionDocument[];

  /** Absent: the product has one version. */
  @IfGiven()
  @IsObject()
  @ValidateNested()
  @Type(() => VersionsDocument)
  versions?: VersionsDocument;

  /** Absent: requests are not limited. */
  @IfGiven()
  @IsObject()
  @ValidateNested()
  @Type(() => RateLimitDocument)
  rateLimit?: RateLimitDocument;

  @IsArray()
  @ArrayMaxSize(32)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Type(() => RoleDocument)
  roles!: RoleDocument[];

  @IsObject()
  @ValidateNested()
  @Type(() => ErrorsDocument)
  errors!: ErrorsDocument;
}
