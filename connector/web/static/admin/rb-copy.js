// <rb-copy><code>…</code></rb-copy>: a button that copies what stands there, where the browser allows it.
customElements.define("rb-copy", class extends HTMLElement {
  connectedCallback() {
    if (!navigator.clipboard || this.querySelector("button")) return;
    const text = this.textContent.trim();
    const button = Object.assign(document.createElement("button"), { type: "button", className: "quiet small" });
    button.textContent = this.dataset.label;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(text);
      button.textContent = this.dataset.said;
      setTimeout(() => { button.textContent = this.dataset.label; }, 2000);
    });
    this.append(" ", button);
  }
});
