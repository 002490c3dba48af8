import type { Answer } from '../domain/message.ts';
import { routerStatus, type StatusFacts } from './status.ts';

/** The page at `/`: how the deployments stand, without a script. `null`: the visitor may not see that. */
export function pageAnswer(facts: StatusFacts | null): Answer {
  const content = facts === null ? LOCKED : table(facts);
  const headers = [
    'content-type',
    'text/html; charset=utf-8',
    'content-security-policy',
    "default-src 'none'; style-src 'self' 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    'x-content-type-options',
    'nosniff',
    'referrer-policy',
    'no-referrer',
    'cache-control',
    'no-store',
  ];
  return { status: 200, headers, body: Buffer.from(page(content)) };
}

const LOCKED = '<p>The router is running. What it knows is shown to those who send the admin key.</p>';

function table(facts: StatusFacts): string {
  const status = routerStatus(facts);
  const rows = status.deployments.map(
    ({ id, region, model, state, until, latencyMs }) =>
      `<tr class="${state}"><th scope="row">${text(id)}</th><td>${text(model ?? '')}</td><td>${text(region ?? '')}</td>` +
      `<td>${text(state)}${until === null ? '' : ` until <time>${text(until)}</time>`}</td>` +
      `<td>${latencyMs === null ? '' : `${Math.round(latencyMs)} ms`}</td></tr>`,
  );
  const pools = status.pools.map(
    ({ name, strategy, current_endpoint, total_endpoints }) =>
      `<tr><th scope="row">${text(name)}</th><td>${text(strategy)}</td><td>${total_endpoints}</td><td>${text(current_endpoint ?? 'none')}</td></tr>`,
  );
  return `<h2>Deployments</h2><table><thead><tr><th>deployment</th><th>model</th><th>region</th><th>state</th><th>first byte</th></tr></thead>
<tbody>${rows.join('\n')}</tbody></table>
<h2>Pools</h2><table><thead><tr><th>pool</th><th>strategy</th><th>members</th><th>current</th></tr></thead><tbody>${pools.join('\n')}</tbody></table>
<p>As of <time>${text(status.at)}</time>; this page renews itself.</p>`;
}

function page(content: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="5"><title>Azure OpenAI router</title><style>${STYLE}</style></head>
<body><main><h1>Azure OpenAI router</h1>${content}</main></body></html>`;
}

const STYLE = `:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}main{max-width:60rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #8884}
tr.open,tr.misconfigured,tr.drained{background:#e5484d33}tr.throttled,tr.halfOpen,tr.probing,tr.ramping{background:#ffb22433}`;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function text(value: string): string {
  return value.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
