/**
 * The SDK's `Duration` is `ms`'s `StringValue`, and `ms@3.0.0-canary.1` publishes its types where `nodenext` does not
 * look: without this declaration every timeout would silently be `any`, and `startToCloseTimeout: 'bananas'` would pass.
 */
declare module 'ms' {
  type Unit =
    'ms' | 's' | 'second' | 'seconds' | 'm' | 'minute' | 'minutes' | 'h' | 'hour' | 'hours' | 'd' | 'day' | 'days';
  export type StringValue = `${number}` | `${number}${Unit}` | `${number} ${Unit}`;
}
