// Changes to the page: by text and by keyed rows, never by markup: what a model wrote is only ever text.

/** Return the element of an id. */
export const byId = (id) => document.getElementById(id);

/**
 * Return a new element with attributes and children; a child that is no node becomes text.
 * `text`, `className`, `data` (an object) and `hidden` are set as properties.
 */
export function make(tag, options = {}, ...children) {
  const { text, className, data, ...attributes } = options;
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  Object.assign(element.dataset, data);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Set an element's text, only where it differs: a selection in it stays. */
export function say(element, text) {
  const wanted = text ?? "";
  if (element.textContent !== wanted) element.textContent = wanted;
}

/** Set a data attribute, null removes it. */
export function mark(element, name, value) {
  if (value === null || value === undefined) delete element.dataset[name];
  else if (element.dataset[name] !== String(value)) element.dataset[name] = value;
}

/**
 * Make the children of `parent` the rows of `items`, keeping the element of each key and with it the focus.
 * `create(item)` returns a new element, `update(element, item)` fills it.
 */
export function keyed(parent, items, keyOf, create, update) {
  const known = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let place = parent.firstElementChild;
  for (const item of items) {
    const key = String(keyOf(item));
    let row = known.get(key);
    known.delete(key);
    if (!row) {
      row = create(item);
      row.dataset.key = key;
    }
    update(row, item);
    if (row === place) place = place.nextElementSibling;
    else parent.insertBefore(row, place);
  }
  for (const gone of known.values()) gone.remove();
}
