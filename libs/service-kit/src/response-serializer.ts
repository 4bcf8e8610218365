import { BinaryWriter } from '@bufbuild/protobuf/wire';

/** What the generated code knows of a message. */
interface MessageCodec<Message> {
  encode(message: Message, writer?: BinaryWriter): BinaryWriter;
}

/**
 * Serializes messages with one writer for all of them, whose buffer stays as large as the largest needed: the generated
 * serializer allocates a kilobyte for each, and copies what it wrote once more.
 */
export function responseSerializer<Message>(codec: MessageCodec<Message>): (message: Message) => Buffer {
  let writer = new BinaryWriter();
  return (message) => {
    try {
      const { buffer, byteOffset, byteLength } = codec.encode(message, writer).finish();
      return Buffer.from(buffer, byteOffset, byteLength);
    } catch (error) {
      // What was half written must not lead the next one.
      writer = new BinaryWriter();
      throw error;
    }
  };
}
