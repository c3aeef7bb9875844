import pc from 'picocolors';
import type { FailureView } from '../domain/report.ts';
import type { Context } from './context.ts';
import type { Problem } from './problem.ts';

/** What a command says. With `json`, exactly one object goes to stdout; progress goes to stderr. */
export class Output {
  readonly json: boolean;
  readonly context: Context;
  readonly paint: ReturnType<typeof pc.createColors>;

  constructor(context: Context, json: boolean) {
    this.context = context;
    this.json = json;
    this.paint = pc.createColors(context.colors && !json);
  }

  /** True when a person can be asked. */
  get canAsk(): boolean {
    return this.context.stdout.isTTY && !this.json && this.context.stdin.isTTY === true;
  }

  /** The answer of a command: as an object with `--json`, else as text. */
  answer(object: object, text: string): void {
    this.#write(this.json ? JSON.stringify(object) : text);
  }

  /** A line for people; not shown with `--json`. */
  say(text: string): void {
    if (!this.json) this.#write(text);
  }

  /** Progress, or a line beside the answer: on stderr, with `--json` too. */
  note(text: string): void {
    this.context.stderr.stream.write(`${text}\n`);
  }

  problem(problem: Problem): void {
    if (this.json) this.#write(JSON.stringify({ error: { ...problem.view, ...problem.done } }));
    else this.note(this.failure(problem.view));
  }

  /** A failure in two lines: what is wrong, and what to do. */
  failure({ code, message, next }: FailureView): string {
    return `${this.paint.red(code)}: ${clean(message)}\n${this.paint.bold('Next:')} ${clean(next)}`;
  }

  /** Escape sequences for the terminal that progress goes to, as they are. */
  control(sequence: string): void {
    this.context.stderr.stream.write(sequence);
  }

  #write(text: string): void {
    this.context.stdout.stream.write(text.endsWith('\n') ? text : `${text}\n`);
  }
}

/** Text from a run, without the characters that would steer a terminal. */
export function clean(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '');
}
