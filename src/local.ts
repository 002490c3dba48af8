/** The entry of the local router. What Node compiles once it keeps, types stripped, which halves every later start. */
import { enableCompileCache } from 'node:module';

enableCompileCache();
await import('./start.ts');
