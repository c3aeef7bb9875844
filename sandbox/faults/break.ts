import type { BreakablePart, Fault, FaultContext } from './fault.ts';
import { faults } from './index.ts';

/** The part of a running sandbox that faults need. */
export interface BreakableStack {
  readonly env: Readonly<Record<string, string>>;
  readonly urls: { readonly qdrantFaults: string | null; readonly neonFaults?: string | null };
  readonly dir?: string | undefined;
  kill(part: BreakablePart | 'neon'): Promise<void>;
  start?(part: BreakablePart | 'neon'): Promise<void>;
  restart(part: BreakablePart | 'neon'): Promise<void>;
}

/** Breaks something in a running sandbox. Returns a sentence that says what. @throws Error naming the faults there are */
export function breakStack(stack: BreakableStack, system: string, name: string, seed?: number): Promise<string> {
  return findFault(system, name).inject(contextOf(stack, seed));
}

/** Ends an outage. @throws Error for damage, which only a recovery mends */
export async function endOutage(stack: BreakableStack, system: string, name: string): Promise<void> {
  const { end } = findFault(system, name);
  if (!end) throw new Error(`${name} is damage and no outage: only a recovery mends it`);
  await end(contextOf(stack));
}

/** @throws Error naming the faults there are */
export function findFault(system: string, name: string): Fault {
  const known = Object.entries(faults).flatMap(([one, all]) =>
    Object.entries(all).map(([key, fault]) => ({ one, key, fault })),
  );
  const found = known.find(({ one, key }) => one === system && key === name);
  if (!found)
    throw new Error(
      `there is no fault ${system} ${name}; there are ${known.map(({ one, key }) => `${one} ${key}`).join(', ')}`,
    );
  return found.fault;
}

function contextOf(stack: BreakableStack, seed?: number): FaultContext {
  // Where Postgres is Neon's, there is no server of its own to kill.
  const onNeon = (stack.urls.neonFaults ?? null) !== null;
  const partOf = (part: BreakablePart): BreakablePart | 'neon' => (part === 'postgres' && onNeon ? 'neon' : part);
  const control = {
    kill: (part: BreakablePart) => stack.kill(partOf(part)),
    restart: (part: BreakablePart) => stack.restart(partOf(part)),
    start: (part: BreakablePart) => (stack.start ? stack.start(partOf(part)) : stack.restart(partOf(part))),
  };
  return { env: stack.env, control, dir: stack.dir, qdrantFaultUrl: stack.urls.qdrantFaults ?? undefined, seed };
}
