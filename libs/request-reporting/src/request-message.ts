import type { RequestEventBatch } from '#libs/contracts';

type Field = keyof RequestEventBatch;
const field = (name: Field) => `"${name}":`;

/** The value of a log message, a {@link RequestEventBatch} as JSON, of events that are JSON already. */
export function requestMessage(
  incarnation: string,
  firstSequence: number,
  events: readonly Buffer[],
): Buffer {
  const head = `{${field('incarnation')}${JSON.stringify(incarnation)},${field('firstSequence')}${firstSequence},${field('events')}[`;
  const parts: Buffer[] = [Buffer.from(head)];
  for (const [index, event] of events.entries()) {
    if (index > 0) parts.push(COMMA);
    parts.push(event);
  }
  parts.push(END);
  return Buffer.concat(parts);
}

const COMMA = Buffer.from(',');
const END = Buffer.from(']}');
