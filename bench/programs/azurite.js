/** Azurite's table service alone, in memory: what `npm start` of the router is measured against. */
import { createRequire } from 'node:module';

const require = createRequire(new URL('../../package.json', import.meta.url));
const { default: TableConfiguration } = require('azurite/dist/src/table/TableConfiguration');
const { default: TableServer } = require('azurite/dist/src/table/TableServer');

const configuration = new TableConfiguration('127.0.0.1', 0);
Object.assign(configuration, { isMemoryPersistence: true, enableAccessLog: false, enableDebugLog: false });
await new TableServer(configuration).start();
console.log('ready');
