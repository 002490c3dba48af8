import { spawnSync } from 'node:child_process';
import { direct } from './direct.js';
import { floor } from './floor.js';
import { nullFunction, ourFunction } from './functions.js';
import { nginx } from './nginx.js';
import { ours, oursAt } from './ours.js';
import { portkey } from './portkey.js';

/**
 * Everything that can be measured on this machine, in the order of the tables' columns.
 * @param {readonly string[]} revs Commits whose router is measured, too.
 */
export function contenders(revs) {
  const hasNginx = spawnSync('nginx', ['-v']).status === 0;
  return [direct, ...(hasNginx ? [nginx] : []), floor, ours, ...revs.map(oursAt), portkey, nullFunction, ourFunction];
}
