// Saves answers as they are given and shows the questions that follow from them. The page works without it: then
// the form is sent step by step. What is asked is decided by the server alone; this only puts its answer in place.
(() => {
  const form = document.querySelector("form[data-save]");
  if (!form || !window.fetch) return;
  const saved = form.querySelector(".saved");
  let timer, request, dirty = false, released = Promise.resolve();

  const fields = (root) => [...root.querySelectorAll("[name^='q.']")];

  // What was typed while the server was answering must not be lost when its questions are put in place.
  const carry = (from, to) => {
    for (const field of fields(to)) {
      const same = fields(from).find((old) => old.name === field.name && (old.value === field.value || !/radio|checkbox/.test(old.type)));
      if (!same) continue;
      if (/radio|checkbox/.test(field.type)) field.checked = same.checked;
      else field.value = same.value;
    }
  };

  const place = (html) => {
    const now = document.getElementById("more");
    const next = new DOMParser().parseFromString(html, "text/html").getElementById("more");
    if (!next || next.dataset.shape === now.dataset.shape) return false;
    const focused = now.contains(document.activeElement) ? document.activeElement.name : "";
    const grew = next.children.length > now.children.length;
    carry(now, next);
    const value = focused && document.activeElement.value;
    now.replaceWith(next);
    form.querySelector(".send").textContent = next.dataset.submit;
    const again = focused && fields(next).find((f) => f.name === focused && (f.value === value || f.type !== "radio"));
    if (again) again.focus();
    return grew;
  };

  const save = async () => {
    clearTimeout(timer);
    if (request) request.abort();
    const mine = (request = new AbortController());
    dirty = false;
    try {
      const options = { method: "POST", body: new URLSearchParams(new FormData(form)), signal: mine.signal };
      const answer = await fetch(form.dataset.save, options);
      const html = await answer.text();
      await released;
      if (mine.signal.aborted || !(answer.ok || answer.status === 422)) return;
      const grew = place(html);
      document.querySelector(".notice")?.remove(); // it spoke of a choice not yet kept, or of mistakes now mended
      saved.textContent = answer.ok ? (grew ? saved.dataset.more : saved.dataset.saved) : "";
    } catch {
      dirty = true; // offline, or overtaken by a newer save: sending the form saves everything once more
    }
  };

  // A button that moves away under a finger never hears of the tap, so the page does not grow while one is down. The
  // click comes after the finger is up, hence the time-out.
  form.addEventListener("pointerdown", () => {
    released = new Promise((free) => {
      for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => setTimeout(free), { once: true });
    });
  });
  form.addEventListener("change", save);
  form.addEventListener("input", (event) => {
    saved.textContent = "";
    if (!event.target.matches("textarea, input[type=tel], input[type=email]")) return;
    dirty = true;
    clearTimeout(timer);
    timer = setTimeout(save, 700);
  });
  form.addEventListener("submit", () => { dirty = false; clearTimeout(timer); if (request) request.abort(); });
  addEventListener("pagehide", () => {
    if (dirty) navigator.sendBeacon(form.dataset.save, new URLSearchParams(new FormData(form)));
  });
})();
