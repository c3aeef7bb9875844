import { setTimeout as sleep } from 'node:timers/promises';
import type { StoreConfig } from '../config/store.ts';
import type { RunStatus } from '../domain/report.ts';
import { type Ending, endingOf } from './ending.ts';
import { problemOf } from './failures.ts';
import type { Output } from './output.ts';
import { describeRun, type FoundRun, statusOf } from './runs.ts';
import { changes, statusPage } from './status-text.ts';
import type { Temporal } from './temporal.ts';

const LOOK_MS = 5_000;

/** Shows a run on stderr until it ends: a table that is redrawn on a terminal, a line for each change in a pipe. */
export async function follow(temporal: Temporal, run: FoundRun, out: Output, store: StoreConfig): Promise<Ending> {
  const screen = out.context.stderr.isTTY ? redrawn(out) : lineByLine(out);
  for (;;) {
    const status = await look(temporal, run, screen);
    if (status) screen.show(status);
    const closed =
      status === undefined
        ? (await describeRun(temporal, run.workflowId)).state !== 'RUNNING'
        : status.outcome !== undefined;
    const ending = closed ? await endingOf(temporal, run, store) : undefined;
    if (ending) return ending;
    await sleep(out.context.pollMs);
  }
}

interface Screen {
  show(status: RunStatus): void;
  trouble(message: string): void;
}

/** A look that fails is told once, and tried again: the run goes on without us. */
async function look(temporal: Temporal, run: FoundRun, screen: Screen): Promise<RunStatus | undefined> {
  try {
    return await statusOf(temporal, run, LOOK_MS);
  } catch (error) {
    screen.trouble(`The run cannot be asked just now (${problemOf(error).message}); looking again.`);
    return undefined;
  }
}

function redrawn(out: Output): Screen {
  let lines = 0;
  let last: RunStatus | undefined;
  const draw = (text: string): void => {
    // Up to where the last page began, and clear from there.
    out.control(lines === 0 ? '' : `\u001b[${lines}A\u001b[0J`);
    const shown = cut(text, out.context.stderr.rows);
    out.note(shown);
    lines = shown.split('\n').length;
  };
  const page = (status: RunStatus): string => statusPage(status, out, out.context.stderr, out.context.now());
  return {
    show: (status) => {
      last = status;
      draw(page(status));
    },
    trouble: (message) => draw(last ? `${page(last)}\n${message}` : message),
  };
}

/** A page that is higher than the screen could not be drawn over; its end gives way, since what is awaited comes first. */
function cut(text: string, rows: number): string {
  const lines = text.split('\n');
  return lines.length < rows ? text : [...lines.slice(0, rows - 2), '…'].join('\n');
}

function lineByLine(out: Output): Screen {
  let last: RunStatus | undefined;
  let told: string | undefined;
  const say = (line: string): void => out.note(`${out.context.now().toISOString().slice(11, 19)} ${line}`);
  return {
    show: (status) => {
      changes(last, status).forEach(say);
      last = status;
      told = undefined;
    },
    trouble: (message) => {
      if (message !== told) say(message);
      told = message;
    },
  };
}
