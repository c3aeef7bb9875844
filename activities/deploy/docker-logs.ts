import { StringDecoder } from 'node:string_decoder';

const HEADER = 8;

/** Takes both streams of a container out of the one that the engine sends: frames, each with its stream and its length. */
export function createDemux(): { push(piece: Buffer): string } {
  const decoders = new Map<number, StringDecoder>();
  let held: Buffer = Buffer.alloc(0);
  return {
    push(piece) {
      held = Buffer.concat([held, piece]);
      let text = '';
      while (held.length >= HEADER && held.length >= HEADER + held.readUInt32BE(4)) {
        const end = HEADER + held.readUInt32BE(4);
        const stream = held[0] ?? 0;
        const decoder = decoders.get(stream) ?? new StringDecoder('utf8');
        decoders.set(stream, decoder);
        text += decoder.write(held.subarray(HEADER, end));
        held = held.subarray(end);
      }
      return text;
    },
  };
}
