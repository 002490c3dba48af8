/// <reference lib="dom" />
import type { OverviewDeployment } from '../../domain/overview.ts';
import { el, icon, setHidden } from '../dom.ts';
import { clockTime, counted } from '../words/format.ts';
import { causeText, STATES } from '../words/states.ts';

interface Standing {
  readonly deployment: string;
  readonly state: OverviewDeployment['state'];
  readonly until: string | null;
  readonly cause: string | null;
}

/** What `POST /router/explain` answers, as far as it is shown here. */
export interface Explanation {
  readonly name: string;
  readonly agent: string;
  readonly pool: string | null;
  readonly tier: string | null;
  readonly candidates: readonly (Standing & { readonly why: string })[];
  readonly skipped: readonly (Standing & { readonly reason: string })[];
}

/** Who would serve a request, in order, and who would not and why. */
export class ExplanationView {
  readonly node = el('div', { class: 'explanation' });

  show({ name, agent, pool, tier, candidates, skipped }: Explanation, now: number): void {
    const asked = [`model ${name}`, `agent ${agent}`, ...(pool === null ? [] : [`pool ${pool}`])];
    this.node.replaceChildren(
      el('p', { class: 'quiet' }, [...asked, ...(tier === null ? [] : [`tier ${tier}`])].join(' · ')),
      el('h3', {}, counted(candidates.length, 'candidate')),
      list(
        candidates.map((one) => standing(one, placeText(one.why), now)),
        true,
      ),
      el('h3', {}, `${skipped.length} skipped`),
      list(
        skipped.map((one) => standing(one, reasonText(one.reason), now)),
        false,
      ),
    );
    setHidden(this.node, false);
  }
}

function list(items: readonly HTMLLIElement[], isOrdered: boolean): HTMLElement {
  if (items.length === 0) return el('p', { class: 'quiet' }, 'None.');
  return isOrdered ? el('ol', {}, ...items) : el('ul', {}, ...items);
}

function standing({ deployment, state, until, cause }: Standing, why: string, now: number): HTMLLIElement {
  const { name, tone } = STATES[state];
  const time = until === null ? '' : ` until ${clockTime(until, now)}`;
  const because = causeText(cause);
  const about = `${why}${because === null ? '' : `, ${because}`}`;
  const badge = el('span', { class: 'badge', 'data-tone': tone }, icon(tone), `${name}${time}`);
  return el('li', {}, el('strong', {}, deployment), ' ', badge, ' ', el('span', { class: 'quiet' }, about));
}

const PLACES: Readonly<Record<string, string>> = {
  bound: 'what it asks for lies there',
  named: 'asked for by name',
  home: 'the agent’s home',
  defaultHome: 'the default home',
  assigned: 'where the agent has moved to',
  pinned: 'where the agent is pinned',
  strategy: 'the pool’s order',
};

/** Why it stands in this place. */
function placeText(why: string): string {
  return Object.hasOwn(PLACES, why) ? (PLACES[why] ?? why) : why;
}

function reasonText(reason: string): string {
  return reason === 'failoverOff' ? 'failover is off' : reason;
}
