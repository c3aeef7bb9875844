import type { Hazard, Surroundings } from './hazards.ts';

/** Hosts whose names belong to the provider: no DNS record and no proxy of yours can send their traffic elsewhere. */
const PROVIDERS = [
  'hf.space',
  'onrender.com',
  'up.railway.app',
  'railway.app',
  'vercel.app',
  'fly.dev',
  'koyeb.app',
  'herokuapp.com',
];
/** Of these, the ones that let a free service sleep. */
const SLEEPING = ['hf.space', 'onrender.com', 'koyeb.app'];
const QDRANT_CLOUD = 'cloud.qdrant.io';

/** What the names of the servers tell. */
export function hostHazards({ appUrl, qdrantUrl, traffic = false }: Surroundings): Hazard[] {
  const app = hostOf(appUrl);
  const provider = PROVIDERS.find((one) => app?.endsWith(`.${one}`));
  const hazards: Hazard[] = [];
  if (app !== undefined && provider !== undefined && !traffic)
    hazards.push({
      name: 'provider-host',
      state: 'warning',
      message: `${app} belongs to ${provider}: when that server fails, its readers cannot be sent elsewhere`,
      next: 'Put a name of your own before it, and let the frontend use that.',
    });
  if (provider !== undefined && SLEEPING.includes(provider))
    hazards.push({
      name: 'app-sleeps',
      state: 'warning',
      message: `on the free tier of ${provider} ${app} sleeps when nobody asks, and the first question after that waits or fails`,
      next: 'Take a plan that does not sleep, or take no answer of the first minute for a failure.',
    });
  if (hostOf(qdrantUrl)?.endsWith(`.${QDRANT_CLOUD}`) === true)
    hazards.push({
      name: 'qdrant-sleeps',
      state: 'warning',
      message: 'a free cluster of Qdrant Cloud is suspended when nobody uses it, and deleted some weeks later',
      next: 'Use a paid cluster for what must not be lost; with one this line says nothing.',
    });
  return hazards;
}

function hostOf(url: string | undefined): string | undefined {
  return url === undefined ? undefined : new URL(url).hostname;
}
