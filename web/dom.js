// Elements without markup in strings: text can never become markup.

/** h('p', {class: 'x', onclick: f, hidden: true}, 'text', child): null children are left out. */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, '');
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Sets text only when it differs, so that nothing is announced or laid out for nothing. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export const byId = (id) => document.getElementById(id);

/** Says something to those who listen to the page. */
export function announce(text) {
  byId('live').textContent = text;
}

const MAX_TOASTS = 3;

/** Shows a problem that belongs to no place on the page. */
export function complain(what, problem) {
  const box = byId('toasts');
  while (box.children.length >= MAX_TOASTS) box.firstElementChild.remove();
  const close = h('button', { type: 'button', class: 'quiet', onclick: () => toast.remove() }, 'Dismiss');
  const toast = h('div', { class: 'toast' }, h('p', {}, h('strong', {}, what), ` ${problem.message}`), close);
  box.append(toast);
}

/** Asks something that is answered by `yes` or by `no`, and resolves to whether it was yes. `danger`: it cannot be undone. */
export function confirmed(title, text, { yes, no, danger = false }) {
  const dialog = byId('confirm');
  setText(byId('confirm-title'), title);
  setText(byId('confirm-text'), text);
  setText(byId('confirm-yes'), yes);
  setText(byId('confirm-no'), no);
  byId('confirm-yes').classList.toggle('danger', danger);
  return new Promise((resolve) => {
    const answer = (value) => () => dialog.close(value);
    byId('confirm-yes').onclick = answer('yes');
    byId('confirm-no').onclick = answer('no');
    dialog.returnValue = 'no';
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true });
    dialog.showModal();
    byId('confirm-no').focus();
  });
}
