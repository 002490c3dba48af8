import { spawnSync } from 'node:child_process';
import { direct } from './direct.js';
import { floor } from './floor.js';
import { nullFunction, ourFunction } from './functions.js';
import { nginx } from './nginx.js';
import { ours } from './ours.js';
import { portkey } from './portkey.js';

/** Everything that can be measured on this machine, in the order of the tables' columns. */
export function contenders() {
  const hasNginx = spawnSync('nginx', ['-v']).status === 0;
  return [direct, ...(hasNginx ? [nginx] : []), floor, ours, portkey, nullFunction, ourFunction];
}
