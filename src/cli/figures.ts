/** Figures as people read them. */
const WHOLE = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

export function whole(value: number): string {
  return WHOLE.format(value);
}

/** Cents, and finer where there would be nothing to see. */
export function usd(value: number): string {
  const isWholeCents = Math.abs(value * 100 - Math.round(value * 100)) < 1e-9;
  const digits = Math.abs(value) < 1 && !isWholeCents ? 4 : 2;
  return `$${value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })}`;
}

const QUOTAS: Readonly<Record<string, string>> = {
  requestsPerMinute: 'requests a minute',
  tokensPerMinute: 'tokens a minute',
  tokensPerDay: 'tokens a day',
  tokensPerMonth: 'tokens a month',
  usdPerDay: 'a day',
  usdPerMonth: 'a month',
};

/** `20,000 tokens a minute`, `$5.00 a month` */
export function quotaWords(name: string, limit: number): string {
  const unit = Object.hasOwn(QUOTAS, name) ? QUOTAS[name] : name;
  return `${name.startsWith('usd') ? usd(limit) : whole(limit)} ${unit ?? name}`;
}

export function quotaFigure(name: string, value: number): string {
  return name.startsWith('usd') ? usd(value) : whole(value);
}

export function quotaName(name: string): string {
  const unit = Object.hasOwn(QUOTAS, name) ? (QUOTAS[name] ?? name) : name;
  return name.startsWith('usd') ? `dollars ${unit}` : unit;
}
