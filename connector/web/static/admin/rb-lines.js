// <rb-lines for="text">…<a data-line="12">…</rb-lines>: a click on such a link puts the caret on that line of the field.
customElements.define("rb-lines", class extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", (event) => {
      const link = event.target.closest("[data-line]");
      const field = document.getElementById(this.getAttribute("for"));
      if (!link || !field) return;
      event.preventDefault();
      const lines = field.value.split("\n"), number = Number(link.dataset.line);
      const start = lines.slice(0, number - 1).reduce((sum, line) => sum + line.length + 1, 0);
      field.focus();
      field.setSelectionRange(start, start + (lines[number - 1] || "").length);
      field.scrollTop = (field.scrollHeight / lines.length) * Math.max(number - 4, 0);
    });
  }
});
