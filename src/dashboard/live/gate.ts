/// <reference lib="dom" />
import { byId, setHidden, setText } from '../dom.ts';
import type { Refused, Router } from './router.ts';

/** Asks for the admin key where one is needed. */
export class GateForm {
  readonly #gate = byId('gate', HTMLElement);
  readonly #field = byId('gate-key', HTMLInputElement);
  readonly #fault = byId('gate-fault', HTMLElement);
  readonly #router: Router;

  constructor(router: Router, onKey: () => void) {
    this.#router = router;
    byId('gate-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      setText(this.#fault, '');
      router.use(this.#field.value);
      // The field is no place to keep it.
      this.#field.value = '';
      onKey();
    });
  }

  /** `refused`: what was said to the key that was shown, if any. */
  open(refused: Refused | null): void {
    if (refused !== null && this.#router.hasKey) {
      const isOther = refused.status === 403;
      setText(this.#fault, isOther ? `${refused.message} The key given is a caller’s.` : refused.message);
      this.#router.forget();
    }
    if (!this.#gate.hidden) return;
    setHidden(this.#gate, false);
    this.#field.focus();
  }

  close(): void {
    setText(this.#fault, '');
    setHidden(this.#gate, true);
  }
}
