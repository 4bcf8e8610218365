/**
 * How many of a group's partitions a member is due: members in one fixed order get equal shares, the first ones the
 * remainder. The shares of all members add up to all partitions, so that none is left without a reader.
 */
export function shareOf(member: number, members: readonly number[], partitions: number): number {
  const rank = members.toSorted((a, b) => a - b).indexOf(member);
  if (rank < 0) return 0;
  return Math.floor(partitions / members.length) + (rank < partitions % members.length ? 1 : 0);
}
