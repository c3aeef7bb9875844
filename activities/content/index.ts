export { createEmbedder } from './embeddings.ts';
export { readQuestions } from './questions.ts';
export { chunkId, ownId } from './ids.ts';
export { createSourceTexts, readSource } from './source.ts';
