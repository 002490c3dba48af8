/** One thing that is wrong with the configuration, told so that its owner can mend it at once. */
export interface Fault {
  /** Where: `pools.gpt-4.1.strategy`, or the name of an environment variable. */
  readonly path: string;
  /** What is wrong, as a sentence. */
  readonly problem: string;
  /** What stands there, shortened, never a secret; `null` where nothing stands there. */
  readonly found: string | null;
  /** What may stand there. */
  readonly allowed: string;
  /** The near miss that was probably meant. */
  readonly suggestion: string | null;
}
