/** Its own types are those of TensorFlow.js, which it carries inside and does not install. We use one function of it. */
declare module '@energetic-ai/core' {
  export function ready(): Promise<void>;
}
