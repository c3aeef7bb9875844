/** The chatbot, as its readers use it. @throws APP_UNREACHABLE, APP_REFUSED */
export interface ChatApp {
  /** Asks a question. `cited` are the sections that the answer's citations name. */
  ask(question: string, signal?: AbortSignal): Promise<{ answer: string; cited: string[] }>;
  /** Whether it says that it is well. */
  checkHealth(signal?: AbortSignal): Promise<void>;
}
