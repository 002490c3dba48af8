/** What a proxy costs that does nothing but pass on, and is not Node. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, scratchFolder, startChild, untilListening } from '../machine/child.js';
import { KEY_HEADER } from './contender.js';

/** @type {import('./contender.js').Contender} */
export const nginx = {
  name: 'nginx',
  start: ({ upstreamPort }) =>
    startNginx([`server 127.0.0.1:${upstreamPort} max_fails=0;`], 'proxy_request_buffering off;'),
  startFailing: ({ failingPort, upstreamPort }) =>
    startNginx(
      [`server 127.0.0.1:${failingPort} max_fails=0;`, `server 127.0.0.1:${upstreamPort} backup;`],
      'proxy_next_upstream error http_503 non_idempotent;',
    ),
};

async function startNginx(servers, proxying) {
  const port = await freePort();
  const folder = join(scratchFolder(), `nginx-${port}`);
  mkdirSync(folder);
  const file = join(folder, 'nginx.conf');
  writeFileSync(file, configuration(port, servers, proxying));
  const child = startChild({ command: 'nginx', args: ['-p', folder, '-c', file, '-e', join(folder, 'error.log')] });
  await untilListening(port);
  return { name: nginx.name, port, pid: child.pid, headers: KEY_HEADER, stop: child.stop };
}

/** One process, as the others have one thread that matters. */
function configuration(port, servers, proxying) {
  return `
daemon off;
master_process off;
pid nginx.pid;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  keepalive_requests 1000000000;
  client_max_body_size 64m;
  upstream deployment { ${servers.join(' ')} keepalive 1024; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port} backlog=1024;
    location / {
      proxy_pass http://deployment;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      ${proxying}
    }
  }
}
`;
}
