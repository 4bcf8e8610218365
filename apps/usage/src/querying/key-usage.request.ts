import { ArrayMaxSize, IsString, Matches, MaxLength, MinLength } from 'class-validator';

/** The system's own scope, `*`, is no tenant's id: it must never come from a caller. */
const TENANT_ID = /^[a-z0-9][a-z0-9_-]{0,62}$/;
const KEY_ID = /^[\x21-\x7e]{1,200}$/;

export class GetKeyUsageFields {
  @Matches(TENANT_ID, { message: 'must be the id of a tenant' })
  tenantId!: string;

  @Matches(KEY_ID, { message: 'must be the id of a key' })
  keyId!: string;
}

export class ListKeyUsageFields {
  @Matches(TENANT_ID, { message: 'must be the id of a tenant' })
  tenantId!: string;

  @ArrayMaxSize(100)
  @IsString({ each: true })
  @MinLength(1, { each: true })
  @MaxLength(200, { each: true })
  @Matches(KEY_ID, { each: true, message: 'each must be the id of a key' })
  keyIds!: string[];
}
