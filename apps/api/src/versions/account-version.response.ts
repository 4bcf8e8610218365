import { ApiProperty } from '@nestjs/swagger';

export class VersionEntryResponse {
  @ApiProperty({ type: String, format: 'date', example: '2026-10-01' })
  date!: string;

  @ApiProperty({ description: 'What it changed.', type: [String], example: ['A property was renamed.'] })
  changeLog!: string[];
}

/** Which version of the API the account is pinned to, and all there are. */
export class AccountVersionResponse {
  @ApiProperty({ description: 'The account’s version.', type: String, format: 'date', example: '2026-10-01' })
  version!: string;

  @ApiProperty({ type: String, format: 'date', example: '2026-10-01' })
  newest!: string;

  @ApiProperty({ description: 'Oldest first.', type: [VersionEntryResponse] })
  versions!: VersionEntryResponse[];
}
