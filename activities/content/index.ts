export { createEmbedder } from './embeddings.ts';
export { readQuestions } from './questions.ts';
export { createSourceTexts } from './source.ts';
