import 'reflect-metadata';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  ArrayUnique,
  IsArray,
  IsDefined,
  IsIn,
  IsObject,
  Matches,
  ValidateNested,
} from 'class-validator';
import { IfGiven, IsField, IsLine, IsPath, IsWord } from './document-member.request.js';

/** A value of an older property, and the one of a newer that says the same. */
export class ValuePairDocument {
  @IsDefined()
  older!: unknown;

  @IsDefined()
  newer!: unknown;
}

export class VersionChangeDocument {
  @IsWord()
  collection!: string;

  @IsIn(['renamed', 'values-renamed', 'required', 'replaced', 'removed'])
  kind!: 'renamed' | 'values-renamed' | 'required' | 'replaced' | 'removed';

  /** The property's name in the newer version; of `replaced` and `removed`, in the older. */
  @IsField()
  property!: string;

  /** Of `renamed`: the name in the older version. */
  @IfGiven()
  @IsField()
  before?: string;

  /** Of `values-renamed`: the newer value of each older one. */
  @IfGiven()
  @IsObject()
  values?: Record<string, unknown>;

  /** Of `required`: what a request of the older version means that leaves the property out. */
  @IfGiven()
  @IsDefined()
  absentMeans?: unknown;

  /** Of `replaced`: the property of the newer version that says the same. */
  @IfGiven()
  @IsField()
  by?: string;

  /** Of `replaced`: every value of the older property and of the newer. */
  @IfGiven()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(50)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Type(() => ValuePairDocument)
  pairs?: ValuePairDocument[];

  /** Of `replaced` and `removed`: the schema that it had. */
  @IfGiven()
  @IsObject()
  schema?: Record<string, unknown>;

  /** Of `removed`: what answers of the older version show. */
  @IfGiven()
  @IsDefined()
  shows?: unknown;
}

export class VersionDocument {
  @Matches(/^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/, { message: 'must be a date like 2026-11-01' })
  date!: string;

  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(50)
  @IsLine(300, { each: true })
  changeLog!: string[];

  @IsArray()
  @ArrayMaxSize(50)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Type(() => VersionChangeDocument)
  changes!: VersionChangeDocument[];
}

/** `versions` of a profile's document. */
export class VersionsDocument {
  @Matches(/^[A-Z][A-Za-z0-9]*(-[A-Z][A-Za-z0-9]*)*$/, {
    message: 'must be the name of a header, like Acme-Version',
  })
  header!: string;

  @IsPath()
  accountPath!: string;

  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(100)
  @ArrayUnique(({ date }: VersionDocument) => date)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Type(() => VersionDocument)
  dated!: VersionDocument[];
}
