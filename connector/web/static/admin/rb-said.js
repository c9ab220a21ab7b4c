// <rb-said role="status">: says what was done. A status is only heard when its words come after it is there.
customElements.define("rb-said", class extends HTMLElement {
  connectedCallback() {
    const words = [...this.childNodes];
    if (!this.textContent.trim()) return;
    this.replaceChildren();
    setTimeout(() => this.replaceChildren(...words), 100);
  }
});
