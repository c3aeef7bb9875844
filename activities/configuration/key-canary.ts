/** What the key canary says. It names its folder, so that the canary of another set does not pass for this one's. */
export function keyCanaryText(folder: string): string {
  return `Whoever can read this can read the encrypted configuration of ${folder}.\n`;
}
