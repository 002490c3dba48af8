/** All commands, in the order of the help. */
import type { Command } from './command.ts';
import { AGENTS, HOME, MOVE } from './commands/agents.ts';
import { CHECK } from './commands/check.ts';
import { DEPLOYMENTS, DRAIN, RESTORE } from './commands/deployments.ts';
import { EXPLAIN } from './commands/explain.ts';
import { FAILOVERS } from './commands/failovers.ts';
import { KEYS_LIST, KEYS_MAKE, KEYS_REVOKE } from './commands/keys.ts';
import { PROBE } from './commands/probe.ts';
import { SIMULATE, START } from './commands/programs.ts';
import { STATUS } from './commands/status.ts';
import { QUOTA, USAGE } from './commands/usage.ts';

export const COMMANDS: readonly Command[] = [
  START,
  CHECK,
  STATUS,
  DEPLOYMENTS,
  DRAIN,
  RESTORE,
  PROBE,
  EXPLAIN,
  AGENTS,
  MOVE,
  HOME,
  FAILOVERS,
  USAGE,
  QUOTA,
  KEYS_LIST,
  KEYS_MAKE,
  KEYS_REVOKE,
  SIMULATE,
];
