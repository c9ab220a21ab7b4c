// Tells each moment by the visitor's own clock, also in parts that come later. Without it the machine's clock stands there.
"use strict";

const STYLES = {
  time: { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" },
  day: { weekday: "long", day: "numeric", month: "long", hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
};

function told(moment) {
  const at = new Date(moment.dateTime);
  moment.textContent = new Intl.DateTimeFormat("en-GB", STYLES[moment.dataset.style] || STYLES.time).format(at);
  moment.title = Intl.DateTimeFormat().resolvedOptions().timeZone;
}

function read(part) {
  part.querySelectorAll("time[datetime]:not([title])").forEach(told);
}

read(document);
new MutationObserver((changes) => changes.forEach(({ addedNodes }) => addedNodes.forEach(
  (node) => node.nodeType === Node.ELEMENT_NODE && read(node)))).observe(document.body, { childList: true, subtree: true });
