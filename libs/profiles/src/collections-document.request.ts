import 'reflect-metadata';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  ArrayUnique,
  IsArray,
  IsIn,
  IsObject,
  IsString,
  Length,
  Matches,
  ValidateNested,
} from 'class-validator';
import { IfGiven, IsField, IsWord } from './document-member.request.js';

const METHODS = ['GET', 'POST', 'PATCH', 'DELETE'];

export class ParentDocument {
  @IsWord()
  collection!: string;

  @IsField()
  field!: string;
}

export class ForbiddenDocument {
  @IsArray()
  @ArrayNotEmpty()
  @ArrayUnique()
  @IsIn(['POST', 'PATCH', 'DELETE'], { each: true })
  methods!: ('POST' | 'PATCH' | 'DELETE')[];

  /** Absent: whatever is stored. */
  @IfGiven()
  @IsObject()
  document?: Record<string, unknown>;

  /** Absent: whatever is sent. */
  @IfGiven()
  @IsObject()
  body?: Record<string, unknown>;

  /** Absent: whatever is referred to. */
  @IfGiven()
  @IsObject()
  referenced?: Record<string, unknown>;
}

/** One of `collections` of a profile's document. */
export class CollectionDocument {
  @IsWord()
  name!: string;

  /** Absent: it lies below the base path. */
  @IfGiven()
  @IsObject()
  @ValidateNested()
  @Type(() => ParentDocument)
  parent?: ParentDocument;

  @Matches(/^[a-z]{2,8}$/, { message: 'must be 2 to 8 small letters' })
  idPrefix!: string;

  @IsArray()
  @ArrayNotEmpty()
  @ArrayUnique()
  @IsIn(METHODS, { each: true })
  methods!: ('GET' | 'POST' | 'PATCH' | 'DELETE')[];

  @IsObject()
  schema!: Record<string, unknown>;

  @IsObject()
  example!: Record<string, unknown>;

  /** Absent: documents refer to none. */
  @IfGiven()
  @IsObject()
  references?: Record<string, unknown>;

  /** Absent: nothing is. */
  @IfGiven()
  @IsArray()
  @ArrayMaxSize(20)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Type(() => ForbiddenDocument)
  forbidden?: ForbiddenDocument[];

  /** Absent: it is not searched. */
  @IfGiven()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(8)
  @ArrayUnique()
  @IsString({ each: true })
  @Length(1, 64, { each: true })
  search?: string[];
}
