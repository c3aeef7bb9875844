/** The name that requests must give: one model, one space. */
export const MODEL = 'energetic-ai-use-lite-768';

/** What the weights give. */
export const NATIVE_DIMENSIONS = 512;

/** What is served. Zeros behind the 512 change no cosine, so a 768-dimensional collection is searched in earnest. */
export const DIMENSIONS = 768;

/** The native vector of one text, and how many tokens the text had. */
export interface Embedding {
  readonly vector: Float32Array;
  readonly tokens: number;
}

/** Unit length; a zero vector stays as it is. */
export function normalise(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return length === 0 ? vector : vector.map((value) => value / length);
}

/** Zeros behind the native values, up to `dimensions`. */
export function pad(vector: Float32Array, dimensions: number): Float32Array {
  const padded = new Float32Array(dimensions);
  padded.set(vector);
  return padded;
}
