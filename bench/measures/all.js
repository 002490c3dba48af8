import { bodies } from './bodies.js';
import { coldStart } from './coldStart.js';
import { failover } from './failover.js';
import { npmStart } from './npmStart.js';
import { requests } from './requests.js';
import { slowStreams } from './slowStreams.js';
import { streams } from './streams.js';

/** Starts first: they want the machine without the other proxies. @type {readonly import('./measure.js').Measure[]} */
export const MEASURES = [npmStart, coldStart, requests, streams, bodies, failover, slowStreams];
