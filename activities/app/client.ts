import type { AppConfig } from '../../config/schema.ts';
import type { ChatApp } from '../../domain/chat-app.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { type Call, callApp } from './http.ts';
import { fill, valueAt } from './template.ts';

const HEALTH_MS = 10_000;
/** An answer may be written by a language model. */
const ASK_MS = 120_000;

/** The protected app, asked as its readers ask it. */
export function createChatApp(config: AppConfig): ChatApp {
  const headers = config.authHeader ? { [config.authHeader.name]: config.authHeader.value.reveal() } : {};
  const call = (request: Omit<Call, 'headers' | 'baseUrl'>): Promise<unknown> =>
    callApp({ ...request, baseUrl: config.baseUrl, headers });
  return {
    async ask(question, signal) {
      const { method, path, body } = config.ask;
      const answer = await call({ method, path, body: fill(body, question), deadlineMs: ASK_MS, signal });
      return readAnswer(config.ask, answer);
    },

    async checkHealth(signal) {
      const answer = await call({ method: 'GET', path: config.health.path, deadlineMs: HEALTH_MS, signal });
      const status = typeof answer === 'string' ? answer.trim() : valueAt(answer, 'status');
      // An app that answers 200 and says nothing of its state is taken at its status code.
      if (status === undefined || (typeof status === 'string' && config.health.okValues.includes(status))) return;
      throw new RecoveryError('APP_UNREACHABLE', `app: ${config.health.path} says ${JSON.stringify(status)}`);
    },
  };
}

/** @throws RecoveryError APP_REFUSED naming the setting that does not fit the answer */
function readAnswer(
  { answer, citations, citationSource }: AppConfig['ask'],
  body: unknown,
): { answer: string; cited: string[] } {
  const text = valueAt(body, answer);
  if (typeof text !== 'string') throw unlike('app.ask.answer', answer, 'no text', body);
  const list = valueAt(body, citations);
  if (!Array.isArray(list)) throw unlike('app.ask.citations', citations, 'no list', body);
  const cited = list.flatMap((one: unknown) => {
    const source = citationSource === '' ? one : valueAt(one, citationSource);
    return typeof source === 'string' && source !== '' ? [source] : [];
  });
  return { answer: text, cited: [...new Set(cited)] };
}

function unlike(setting: string, path: string, what: string, body: unknown): RecoveryError {
  const keys = typeof body === 'object' && body !== null ? Object.keys(body).join(', ') : typeof body;
  return new RecoveryError(
    'APP_REFUSED',
    `${setting}: there is ${what} at "${path}" in the app's answer, which has ${keys}`,
  );
}
