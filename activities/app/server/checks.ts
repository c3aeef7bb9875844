/** What a server must show before its first reader: as many looks as there are ways in which a deployment goes wrong. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AppServersConfig } from '../../../config/app-servers.ts';
import type { Declared, DeclaredHealth, DeclaredPort } from '../../../domain/declared.ts';
import type { Gate } from '../../../domain/verdict.ts';
import { createChatApp } from '../client.ts';
import { parse } from '../http.ts';
import { valueAt } from '../template.ts';
import { checkEndpoint, judged, send } from './endpoint.ts';
import type { Place } from './place.ts';

type Checks = AppServersConfig['checks'];

const PAUSE_MS = 500;

/** Marks what this tool has asked, for whoever reads the app's logs or conversations. */
export function marker(): string {
  return `recovery-check-${randomUUID()}`;
}

/** Whether it says that it is well. One that has only just been started is given some time. */
export async function checkReach({ app }: Place, patienceSeconds: number, signal: AbortSignal): Promise<Gate[]> {
  const { path, okValues } = app.health;
  const gate = { name: 'health', expected: `${path} says ${okValues.join(' or ')}` };
  const look = (): Promise<Gate> =>
    judged(gate, app, async () => {
      await createChatApp(app).checkHealth(signal);
      return { verdict: 'pass', observed: 'it does' };
    });
  const deadline = Date.now() + patienceSeconds * 1_000;
  let seen = await look();
  for (; seen.verdict !== 'pass' && Date.now() < deadline; seen = await look()) await sleep(PAUSE_MS);
  return [seen];
}

/** Every endpoint that the settings list, and what the app's own files say of port and health path. */
export async function checkEndpoints(
  { endpoints }: Checks,
  place: Place,
  declared: Declared,
  signal: AbortSignal,
): Promise<Gate[]> {
  const gates: Gate[] = [];
  for (const endpoint of endpoints)
    gates.push(await checkEndpoint(place.app, endpoint, { places: { marker: marker() }, signal }));
  if (endpoints.length === 0)
    gates.push({
      name: 'endpoints',
      verdict: 'unproven',
      expected: 'every endpoint that the app has',
      observed: 'none is listed in appServers.checks.endpoints',
    });
  for (const health of declared.health) gates.push(await checkDeclaredHealth(place, health, signal));
  return [...gates, ...declared.ports.map((port) => declaredPort(place, port))];
}

/** A file that sends a platform's health check where nobody answers takes the app down a second time. */
async function checkDeclaredHealth(
  { app }: Place,
  { where, path }: DeclaredHealth,
  signal: AbortSignal,
): Promise<Gate> {
  const gate = { name: `declared health path of ${where}`, expected: `${path} answers with success` };
  return judged(gate, app, async () => {
    const { status } = await send({ app, endpoint: { method: 'GET', path }, signal });
    return { verdict: status >= 200 && status < 300 ? 'pass' : 'fail', observed: `${path}: ${status}` };
  });
}

/** A port may be mapped to another on its way, as far as what deploys there says so. */
function declaredPort({ config }: Place, { where, port }: DeclaredPort): Gate {
  const used = new URL(config.url).port;
  const mapped =
    config.deploy.docker?.ports.some((one) => one.container === port && String(one.host) === used) === true;
  const gate = { name: `declared port of ${where}`, expected: `port ${port}, or one that is mapped to it` };
  if (used === String(port)) return { ...gate, verdict: 'pass', observed: `it listens on ${used}` };
  if (mapped) return { ...gate, verdict: 'pass', observed: `${used} is mapped to it` };
  const observed = `it is reached on ${used || 'the scheme’s own port'}, and nobody here knows whether that is mapped to ${port}`;
  return { ...gate, verdict: 'unproven', observed };
}

/** A conversation that is begun, continued and read back: the way that touches every table of the app. */
export async function checkSession(
  { session }: Checks,
  { app }: Place,
  question: string,
  signal: AbortSignal,
): Promise<Gate[]> {
  const expected = 'a conversation is begun, continued, and read back with its question';
  if (!session)
    return [
      { name: 'session', verdict: 'unproven', expected, observed: 'appServers.checks.session is not configured' },
    ];
  const { create, id, field, read } = session;
  const asked = `${question} (${marker()})`;
  return [
    await judged({ name: 'session', expected }, app, async () => {
      const begun = await send({ app, endpoint: create, signal });
      const found = valueAt(parse(begun.text), id);
      if (typeof found !== 'string' && typeof found !== 'number')
        return { verdict: 'fail', observed: `${create.path}: ${begun.status}, and no session at "${id}"` };
      const { ask } = app;
      const body = { ...ask.body, [field]: String(found) };
      const continued = await send({ app, endpoint: { ...ask, body }, places: { question: asked }, signal });
      if (continued.status >= 300) return { verdict: 'fail', observed: `${ask.path}: ${continued.status}` };
      const endpoint = { method: 'GET', path: read } as const;
      const back = await send({ app, endpoint, places: { session: encodeURIComponent(String(found)) }, signal });
      const there = back.status < 300 && back.text.includes(asked);
      return {
        verdict: there ? 'pass' : 'fail',
        observed: there ? 'it is' : `${read}: ${back.status}, without the question`,
      };
    }),
  ];
}
