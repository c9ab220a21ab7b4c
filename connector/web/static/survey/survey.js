// Saves answers as they are given, and shows the questions that follow from them. The page works without it: then the
// form is sent step by step. What is asked is the server's decision: it sends along what follows from each score, so
// that a tap need not wait, and what it answers to a save stands.
(() => {
  const form = document.querySelector("form[data-save]");
  if (!form || !window.fetch) return;
  const saved = form.querySelector(".saved"), state = form.querySelector(".state"), again = form.querySelector(".again");
  const send = form.querySelector(".send"), words = saved.dataset;
  let timer, request, dirty = false, failures = 0, grew = false, released = Promise.resolve();

  const fields = (root) => [...root.querySelectorAll("[name^='q.']")];
  const ticks = (field) => /radio|checkbox/.test(field.type);
  const chosen = () => form.querySelector(`[name="${form.dataset.score}"]:checked`);
  const branch = () => {
    const score = chosen();
    return score && [...document.querySelectorAll("template[data-scores]")].find((each) => each.dataset.scores.split(" ").includes(score.value));
  };
  let shown = branch();

  // What was filled in under questions that went away is there again when they come back, and nothing that was typed
  // while the server was answering is lost.
  const typed = new Map();
  const key = (field) => (ticks(field) ? `${field.name}=${field.value}` : field.name);
  const note = (root) => fields(root).forEach((field) => typed.set(key(field), ticks(field) ? field.checked : field.value));
  const fill = (root) => fields(root).forEach((field) => {
    if (!typed.has(key(field))) return;
    field[ticks(field) ? "checked" : "value"] = typed.get(key(field));
  });

  const place = (next) => {
    const now = document.getElementById("more");
    if (!next || next.dataset.shape === now.dataset.shape) return;
    const old = document.activeElement, focused = now.contains(old) && old.name ? key(old) : "";
    grew = grew || next.children.length > now.children.length;
    note(now);
    fill(next);
    now.replaceWith(next);
    (send.querySelector("[lang]") || send).textContent = next.dataset.submit;
    const same = focused && fields(next).find((field) => key(field) === focused);
    if (same) same.focus();
  };

  const say = (text, failing) => {
    saved.textContent = text;
    state.classList.toggle("failing", failing);
    again.hidden = !failing;
  };

  const fail = (text, wait) => {
    dirty = true;
    failures += 1;
    say(text, true);
    if (wait) timer = setTimeout(save, wait);
  };
  const pause = (answer) => 1000 * (Number(answer?.headers.get("Retry-After")) || Math.min(60, 2 ** failures));

  const save = async () => {
    clearTimeout(timer);
    if (request) request.abort();
    const mine = (request = new AbortController());
    dirty = false;
    let answer, html;
    try {
      answer = await fetch(form.dataset.save, { method: "POST", body: new URLSearchParams(new FormData(form)), signal: mine.signal });
      html = await answer.text();
    } catch {
      if (!mine.signal.aborted) fail(words.failed, pause());
      return;
    }
    await released;
    if (mine.signal.aborted) return; // overtaken by a newer save, which holds all that this one held
    if (answer.status === 429 || answer.status >= 500) return fail(words.failed, pause(answer));
    if (!answer.ok && answer.status !== 422) return fail(words.refused);
    failures = 0;
    place(new DOMParser().parseFromString(html, "text/html").getElementById("more"));
    document.querySelector(".notice")?.remove(); // it spoke of a choice not yet kept, or of mistakes now mended
    say(answer.ok ? (grew ? words.more : chosen() ? words.saved : words.unscored) : "", false);
    grew = false;
  };

  // What a hand leaves behind on the page goes along with the answers: how often it touched, how many keys it pressed,
  // and for how many milliseconds the page could be seen. Events that a program made up are not counted.
  const touched = { pointerdown: 0, click: 0, keydown: 0 };
  let seen = 0, since = 0;
  const look = () => { seen += since && performance.now() - since; since = document.hidden ? 0 : performance.now(); };
  const hand = () => { look(); return [touched.pointerdown + touched.click, touched.keydown, Math.ceil(seen)].join("."); };
  for (const kind in touched) addEventListener(kind, ({ isTrusted }) => {
    if (isTrusted && !(touched.pointerdown + touched.click + touched.keydown)) {
      touched[kind] = 1;
      navigator.sendBeacon?.(form.dataset.seen, new URLSearchParams({ hand: hand() }));
    } else if (isTrusted) touched[kind] += 1;
  }, true);
  look();
  document.addEventListener("visibilitychange", look);
  form.addEventListener("formdata", ({ formData }) => formData.set("hand", hand()));

  // A button that moves away under a finger never hears of the tap, so the page does not grow while one is down. The
  // click comes after the finger is up, hence the time-out.
  form.addEventListener("pointerdown", () => {
    released = new Promise((free) => {
      for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => setTimeout(free), { once: true });
    });
  });
  form.addEventListener("change", (event) => {
    const next = branch();
    if (event.target.name === form.dataset.score && next && next !== shown) place(next.content.firstElementChild.cloneNode(true));
    shown = next;
    save();
  });
  form.addEventListener("input", (event) => {
    if (!failures) say("", false);
    if (!event.target.matches("textarea, input[type=tel], input[type=email]")) return;
    dirty = true;
    clearTimeout(timer);
    timer = setTimeout(save, 700);
  });
  form.addEventListener("submit", (event) => {
    if (navigator.onLine === false) { // the browser's own page would take this one's place
      event.preventDefault();
      fail(words.failed);
      return;
    }
    dirty = false;
    failures = 0;
    clearTimeout(timer);
    if (request) request.abort();
  });
  again.addEventListener("click", () => { send.focus({ preventScroll: true }); save(); });
  addEventListener("online", () => { if (dirty) save(); });
  addEventListener("beforeunload", (event) => { if (failures && dirty) event.preventDefault(); });
  addEventListener("pagehide", () => {
    if (dirty) navigator.sendBeacon(form.dataset.save, new URLSearchParams(new FormData(form)));
  });
})();
