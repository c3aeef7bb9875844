import type { z } from 'zod';
import type { Place } from '../../../../activities/app/server/place.ts';
import { type AppServersConfig, appServersConfigSchema } from '../../../../config/app-servers.ts';
import { appConfigSchema } from '../../../../config/app.ts';
import type { Deployer } from '../../../../domain/deployment.ts';

/** Something of the app's settings that the worker knows as well. */
export const PASSWORD = 'pa55word-of-the-database';

const deployOf = (name: string): object => ({
  command: { run: [{ run: ['true'] }], find: { run: ['true'] }, stop: [{ run: ['true'] }], stateFile: `/tmp/${name}` },
});

/** Settings of two servers, with what a test says of them. */
export function settingsOf(urls: readonly [string, string], more: object = {}): AppServersConfig {
  return appServersConfigSchema.parse({
    servers: {
      primary: { url: urls[0], target: urls[0], deploy: deployOf('primary') },
      backup: { url: urls[1], target: urls[1], deploy: deployOf('backup') },
    },
    traffic: { caddy: { id: 'app' } },
    ...more,
  });
}

/** A way of deploying that says what it is told to say, and writes down what it was asked. */
export function fakeDeployer(over: Partial<Deployer> = {}): Deployer & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    what: 'a test',
    asked,
    find: async () => ({ state: 'running', release: 'a'.repeat(40), id: 'one' }),
    deploy: async ({ key }) => {
      asked.push(`deploy ${key}`);
      return { id: 'one', adopted: false };
    },
    stop: async () => void asked.push('stop'),
    ...over,
  };
}

type App = z.input<typeof appConfigSchema>;

export function placeAt(
  url: string,
  { app = {}, deployer = fakeDeployer() }: { app?: Partial<App>; deployer?: Deployer } = {},
): Place {
  const config = settingsOf([url, 'http://127.0.0.1:1']).servers['primary'];
  if (!config) throw new Error('there is no primary');
  return {
    name: 'primary',
    config,
    app: { ...appConfigSchema.parse({ ...app, baseUrl: url }), secrets: [PASSWORD] },
    deployer,
  };
}
