import { qdrantConfigSchema } from '../../../config/schema.ts';
import { startQdrant } from '../../support/qdrant.ts';
import { vectorStoreContract } from './contract.ts';

vectorStoreContract('the sandbox’s Qdrant', () => startQdrant());

const url = process.env['QDRANT_CONTRACT_URL'];
const apiKey = process.env['QDRANT_CONTRACT_API_KEY'];
if (url) {
  vectorStoreContract(`the server at ${url}`, async () => ({
    config: (overrides = {}) => qdrantConfigSchema.parse({ url, ...(apiKey && { apiKey }), ...overrides }),
    call: async (method, path, body) => {
      const headers = apiKey ? { 'api-key': apiKey } : undefined;
      const answer = await fetch(url + path, { method, ...(headers && { headers }), body: JSON.stringify(body) });
      return answer.json();
    },
    stop: async () => undefined,
  }));
}
