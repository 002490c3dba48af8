/// <reference lib="dom" />
/** Questions before something is changed. A `<dialog>` keeps the focus inside, gives it back, and leaves by Escape. */
import { type Child, el, setHidden, setText } from './dom.ts';

export interface Question {
  readonly title: string;
  /** What will happen. */
  readonly says: string;
  /** What the button does: `Drain`, never `OK`. */
  readonly does: string;
  readonly isGrave?: boolean;
  /** What is asked beside the yes. */
  readonly fields?: readonly Child[];
  /** Does it; what it rejects with is shown, and the dialog stays. */
  readonly act: () => Promise<void>;
  readonly problemOf: (error: unknown) => string;
}

/** Asks, and does it where the answer is yes. Resolves once the dialog is gone. */
export function question({ title, says, does, isGrave = false, fields = [], act, problemOf }: Question): Promise<void> {
  const fault = el('p', { class: 'fault', role: 'alert' });
  const yes = el('button', { type: 'submit', class: isGrave ? 'grave' : 'primary' }, does);
  const no = el('button', { type: 'button' }, 'Cancel');
  const heading = el('h2', { id: 'dialog-title', tabindex: '-1' }, title);
  const form = el(
    'form',
    { autocomplete: 'off' },
    heading,
    el('p', { id: 'dialog-says' }, says),
    ...fields,
    fault,
    el('div', { class: 'dialog-buttons' }, no, yes),
  );
  const dialog = el('dialog', { 'aria-labelledby': 'dialog-title', 'aria-describedby': 'dialog-says' }, form);
  no.addEventListener('click', () => dialog.close());
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    setText(fault, '');
    yes.disabled = true;
    act().then(
      () => dialog.close(),
      (error: unknown) => {
        setText(fault, problemOf(error));
        yes.disabled = false;
      },
    );
  });
  return opened(dialog);
}

/** Something that is shown this once. */
export function showOnce(title: string, says: string, secret: string): Promise<void> {
  const field = el('input', { type: 'text', readonly: true, 'aria-label': 'The key', class: 'secret' });
  field.value = secret;
  const copied = el('p', { class: 'hint', role: 'status' });
  const copy = el('button', { type: 'button', class: 'primary' }, 'Copy');
  const done = el('button', { type: 'button' }, 'I have it');
  const dialog = el(
    'dialog',
    { 'aria-labelledby': 'dialog-title', 'aria-describedby': 'dialog-says' },
    el('h2', { id: 'dialog-title' }, title),
    el('p', { id: 'dialog-says' }, says),
    el('div', { class: 'inline' }, field, copy),
    copied,
    el('div', { class: 'dialog-buttons' }, done),
  );
  copy.addEventListener('click', () => void copyFrom(field, copied));
  done.addEventListener('click', () => dialog.close());
  return opened(dialog);
}

/** Browsers give the clipboard to secure origins alone; elsewhere the text is marked, to be copied by hand. */
async function copyFrom(field: HTMLInputElement, told: HTMLElement): Promise<void> {
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    setText(told, 'Copied.');
  } catch {
    setText(told, 'The browser does not let the page copy: press Ctrl+C or ⌘C, the key is marked.');
  }
}

function opened(dialog: HTMLDialogElement): Promise<void> {
  const before = document.activeElement;
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      dialog.remove();
      // The button that was pressed may be gone from the page, or hidden, by what it did.
      if (before instanceof HTMLElement && before.isConnected) before.focus();
      resolve();
    });
  });
}

export interface Field {
  readonly node: HTMLElement;
  readonly input: HTMLInputElement | HTMLSelectElement;
}

let fields = 0;

export function labelled(
  label: string,
  input: HTMLInputElement | HTMLSelectElement,
  hint: string | null = null,
): Field {
  const id = `field-${++fields}`;
  input.id = id;
  const about = el('span', { class: 'hint', id: `${id}-hint` }, hint ?? '');
  setHidden(about, hint === null);
  if (hint !== null) input.setAttribute('aria-describedby', about.id);
  const node = el('div', { class: 'field' }, el('label', { for: id }, label), input, about);
  return { node, input };
}

export function select(options: readonly string[], chosen: string | null = null): HTMLSelectElement {
  const made = el('select', {}, ...options.map((value) => el('option', { value }, value)));
  if (chosen !== null) made.value = chosen;
  return made;
}
