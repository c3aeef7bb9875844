/** A look at another system: it ends in time and throws nothing. Which answer is a good one is for who looks. */
export type Looked<S> = { readonly milliseconds: number } & (
  | { readonly seen: S }
  /** What was met instead of an answer, in words that name the system's own code where there is one. */
  | { readonly silence: string; readonly error: unknown }
);

const LONGEST = 300;

/** @param cancelled ends the look at once, and is thrown on: then nothing was seen */
export async function lookInTime<S>(
  timeoutMs: number,
  how: (signal: AbortSignal) => Promise<S>,
  cancelled?: AbortSignal,
): Promise<Looked<S>> {
  const from = performance.now();
  const late = AbortSignal.timeout(timeoutMs);
  const signal = cancelled ? AbortSignal.any([late, cancelled]) : late;
  try {
    const seen = await inTime(how(signal), signal);
    return { seen, milliseconds: performance.now() - from };
  } catch (error) {
    cancelled?.throwIfAborted();
    const silence = late.aborted ? 'no answer in time' : wordOf(error);
    return { silence, error, milliseconds: performance.now() - from };
  }
}

/** One line for people, without any of the secrets. */
export function safeWords(said: string, secrets: readonly string[]): string {
  const clean = secrets.reduce((text, secret) => text.replaceAll(secret, '[redacted]'), said);
  return clean.replace(/\s+/g, ' ').trim().slice(0, LONGEST);
}

/** Not everything that is asked heeds a signal. */
async function inTime<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const late = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('no answer in time')), { once: true });
  });
  return Promise.race([work, late]);
}

/** What an error says, with the system's own word for it. */
function wordOf(error: unknown): string {
  const word = (name: string): string => {
    const value: unknown =
      typeof error === 'object' && error !== null ? (error as Record<string, unknown>)[name] : undefined;
    return typeof value === 'string' ? value : '';
  };
  const [code, message] = [word('code'), word('message')];
  if (word('name') === 'RecoveryError' || !code || message.includes(code)) return message || String(error);
  return `${code} ${message}`.trim();
}
