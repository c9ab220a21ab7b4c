// Follows the story: asks for its moving part every second and replaces what changed. The page works without it.
"use strict";

const story = document.querySelector("[data-story]");
const calm = matchMedia("(prefers-reduced-motion: reduce)");
let tag = "";
let asking = false;
let released = Promise.resolve();

function put(old, fresh) {
  if (old.getAttribute("role") === "status") {
    // A screen reader only hears a status that stays in its place.
    old.textContent = fresh.textContent;
    old.className = fresh.dataset.class;
    old.dataset.tag = fresh.dataset.tag;
    return;
  }
  const held = old.contains(document.activeElement) ? document.activeElement.id : null;
  const open = [...old.querySelectorAll("details:not([data-fold])")].map((each) => each.open);
  old.replaceWith(fresh);
  fresh.querySelectorAll("details:not([data-fold])").forEach((each, place) => { each.open = open[place] || false; });
  if (held !== null) {
    const same = held ? fresh.querySelector(`#${held}:not(:disabled)`) : null;
    (same || fresh.querySelector("h2, summary") || story).focus({ preventScroll: true });
  }
}

function follow(now) {
  if (now && story.dataset.now !== now.id) {
    if (story.dataset.now) now.scrollIntoView({ block: "nearest", behavior: calm.matches ? "auto" : "smooth" });
    story.dataset.now = now.id;
  }
}

async function look() {
  if (asking) return;
  asking = true;
  try {
    const answer = await fetch(story.dataset.story, { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" });
    if (answer.status === 200) {
      const text = await answer.text();
      await released;
      tag = answer.headers.get("ETag") || "";
      const fresh = new DOMParser().parseFromString(text, "text/html");
      fresh.querySelectorAll("[data-part]").forEach((part) => {
        const old = document.querySelector(`[data-part="${part.dataset.part}"]`);
        if (old && old.dataset.tag !== part.dataset.tag) put(old, part);
      });
      follow(story.querySelector(".now, .end"));
    }
    document.body.classList.toggle("away", answer.status >= 400);
  } catch {
    document.body.classList.add("away");
  } finally {
    asking = false;
  }
}

// A link that is replaced while it is pressed never hears of the click, which comes after the finger is up.
document.addEventListener("pointerdown", () => {
  released = new Promise((free) => {
    for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => setTimeout(free), { once: true });
  });
});

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-quiet]");
  if (!form) return;
  event.preventDefault();
  if (form.dataset.busy) return; // not by disabling the button: that would take the focus from it
  form.dataset.busy = "yes";
  try {
    const answer = await fetch(form.action, { method: "POST" });
    if (answer.ok) await look();
    else form.submit(); // for the page that says what is wrong
  } finally {
    delete form.dataset.busy;
  }
});

story.dataset.now = (story.querySelector(".now, .end") || { id: "" }).id;
document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
setInterval(() => { if (!document.hidden) look(); }, 1000);
