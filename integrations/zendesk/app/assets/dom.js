// Elements without markup: text is always text, so that nothing a customer wrote can become a tag.

export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value != null) element.setAttribute(key, value);
  }
  element.append(...children.flat().filter((child) => child != null && child !== ""));
  return element;
}

let fields = 0;

// A control with its label; `trouble` is where a mistake is written.
export function field(label, control) {
  const id = `field-${++fields}`;
  control.id = id;
  const trouble = el("p", {class: "trouble", id: `${id}-trouble`, hidden: true});
  control.setAttribute("aria-describedby", trouble.id);
  return el("div", {class: "field"}, el("label", {for: id}, label), control, trouble);
}

// Say what is wrong with a control, and lead there; without words it is right again.
export function complain(control, words = "") {
  const trouble = document.getElementById(control.getAttribute("aria-describedby"));
  if (!trouble) return;
  trouble.textContent = words;
  trouble.hidden = !words;
  if (!words) return control.removeAttribute("aria-invalid");
  control.setAttribute("aria-invalid", "true");
  control.focus();
}

export function choices(options, empty) {
  const first = empty == null ? [] : [el("option", {value: ""}, empty)];
  return el("select", {}, first, options.map(([value, text]) => el("option", {value}, text)));
}

// A part that opens and closes, by the browser's own means.
export function fold(title, open, ...children) {
  return el("details", {class: "part", open}, el("summary", {}, el("h2", {}, title)), ...children);
}

// While a click is under way the button takes no second one, and keeps the focus.
export async function once(button, work) {
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  try {
    await work();
  } finally {
    button.removeAttribute("aria-disabled");
  }
}
