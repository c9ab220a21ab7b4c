// <rb-live id="…" every="5">: what is inside follows the truth while somebody looks, by asking for this page again.
// The request says Rb-Poll, so that looking on is not taken for working; the ETag spares the answer when nothing moved.
customElements.define("rb-live", class extends HTMLElement {
  connectedCallback() {
    this.every = Number(this.getAttribute("every") || 5) * 1000;
    this.look = this.look.bind(this);
    this.timer = setInterval(this.look, this.every);
    document.addEventListener("visibilitychange", this.look);
  }

  disconnectedCallback() {
    clearInterval(this.timer);
    document.removeEventListener("visibilitychange", this.look);
  }

  // Whoever chooses rows, types or reads an opened part must not lose it.
  get isInUse() {
    const at = document.activeElement;
    const types = this.contains(at) && at.matches("input, select, textarea");
    return types || this.querySelector("input:checked, details[open]:not([data-open])") !== null;
  }

  async look() {
    if (document.hidden || this.asking || this.isInUse) return;
    this.asking = true;
    try {
      const headers = { "Rb-Poll": "1", ...(this.tag ? { "If-None-Match": this.tag } : {}) };
      const answer = await fetch(location.href, { headers, cache: "no-store", redirect: "manual" });
      if (answer.type === "opaqueredirect" || answer.status === 401) clearInterval(this.timer);
      else if (answer.status === 200) this.take(answer.headers.get("ETag"), await answer.text());
      this.away(answer.status >= 500);
    } catch {
      this.away(true);
    } finally {
      this.asking = false;
    }
  }

  // What is shown is the last answer: it stays, and is said to be old.
  away(is) {
    if (this.hasAttribute("away") === is) return;
    this.toggleAttribute("away", is);
    this.note?.remove();
    if (!is) return;
    this.note = Object.assign(document.createElement("p"), { className: "note", textContent: document.body.dataset.away });
    this.note.setAttribute("role", "status");
    this.before(this.note);
  }

  take(tag, text) {
    const fresh = new DOMParser().parseFromString(text, "text/html").getElementById(this.id);
    if (!fresh || this.isInUse) return;
    this.tag = tag;
    if (fresh.innerHTML === this.innerHTML) return;
    if (window.htmx) window.htmx.swap({ text: fresh.innerHTML, target: this, swap: "innerMorph", sourceElement: this });
    else this.innerHTML = fresh.innerHTML;
  }
});
