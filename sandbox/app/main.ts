import { parseArgs } from 'node:util';
import { z } from 'zod';
import { workerEnvironment } from '../../config/search-path.ts';
import { Chatbot } from './chatbot.ts';
import { readAppConfig } from './config.ts';
import { misbehave, Misbehaviour } from './faults.ts';
import { ModeSwitch } from './mode.ts';
import { observe } from './observe.ts';
import { readRelease } from './release.ts';
import { buildApp } from './server.ts';
import { VectorPlace } from './vector-place.ts';

/** `node sandbox/app/main.ts --config FILE [--release FILE]`: a chatbot that answers from the textbook. */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { config: { type: 'string' }, release: { type: 'string' } } });
  const config = await readAppConfig(
    z.string({ error: 'name the configuration with --config FILE' }).parse(values.config),
    workerEnvironment(),
  );
  const release = values.release === undefined ? undefined : await readRelease(values.release);
  if (release?.mistake === 'crash')
    throw new Error(`release ${release.version} cannot start: undefined is not a function`);
  const misbehaviour = new Misbehaviour(config.faults, release?.mistake);
  const chatbot = new Chatbot(config, await VectorPlace.load(config), misbehaviour);
  const app = buildApp(chatbot, await ModeSwitch.load(config.maintenance), config.maintenance?.token);
  observe(app, { server: config.name, release: release?.version ?? 'none', origins: config.origins });
  misbehave(app, misbehaviour);
  const address = await app.listen({ port: config.port, host: config.host });
  console.log(`app on ${address}`);
  const stop = async (): Promise<void> => {
    await app.close();
    await chatbot.close();
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop());
}

await main();
