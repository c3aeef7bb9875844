/**
 * Does something and cleans up after it. Where both fail it is the first failure that is told: the bucket whose key has
 * expired refuses to remove as well, and says less about it.
 */
export async function cleaningUp<T>(work: () => Promise<T>, cleanUp: () => Promise<void>): Promise<T> {
  let result: T;
  try {
    result = await work();
  } catch (error) {
    await cleanUp().catch(() => undefined);
    throw error;
  }
  await cleanUp();
  return result;
}
