import { activityInfo } from '@temporalio/activity';
import type { Secret } from '../../../config/secret.ts';
import type { Artifact, ArtifactStore } from '../../../domain/artifacts.ts';
import type { DeployWork, Release } from '../../../domain/deployment.ts';
import { putBytes } from '../../lines.ts';
import type { Work } from '../../progress.ts';
import type { Place } from './place.ts';

/** What is kept of a deployment's output: its end, since that says why it failed. */
const MOST_OUTPUT = 4 << 20;

export interface Deployment {
  readonly release: Release;
  readonly variables: ReadonlyMap<string, Secret>;
  readonly key: string;
  readonly folder: string;
}

/** Deploys, and keeps all that was said in the store: also of a deployment that fails. */
export async function deployTo(
  place: Place,
  store: ArtifactStore,
  { release, variables, key, folder }: Deployment,
  work: Work,
): Promise<{ id: string; adopted: boolean; output: Artifact }> {
  const said: string[] = [];
  let length = 0;
  const output = (text: string): void => {
    said.push(text);
    length += text.length;
    while (length > MOST_OUTPUT && said.length > 1) length -= said.shift()?.length ?? 0;
  };
  const put = (): Promise<Artifact> =>
    putBytes(store, `${folder}/deploy-${attemptOf()}.log`, Buffer.from(said.join('')));
  const values = Object.fromEntries([...variables].map(([name, value]) => [name, value.reveal()]));
  try {
    const done = await place.deployer.deploy({ release, variables: values, key }, workOf(work, output));
    return { ...done, output: await put() };
  } catch (error) {
    // What the deployment said is worth more than what the store says of keeping it.
    await put().catch(() => undefined);
    throw error;
  }
}

export function workOf({ signal, report }: Work, output: DeployWork['output'] = () => undefined): DeployWork {
  return { signal, report: (progress) => report(progress), output };
}

/** Tells repeated attempts apart: artifacts are never replaced. */
function attemptOf(): string {
  const { activityId, attempt } = activityInfo();
  return `${activityId}-${attempt}`;
}
