// <rb-choose>: a box before a list that chooses all its rows, and words that say how many are chosen.
customElements.define("rb-choose", class extends HTMLElement {
  connectedCallback() {
    const label = document.createElement("label");
    this.all = Object.assign(document.createElement("input"), { type: "checkbox" });
    label.append(this.all, ` ${this.dataset.label}`);
    this.said = Object.assign(document.createElement("output"), { className: "chosen" });
    this.replaceChildren(label, this.said);
    this.form = this.closest("form");
    this.tell = this.tell.bind(this);
    this.all.addEventListener("change", () => { this.boxes.forEach((box) => { box.checked = this.all.checked; }); this.tell(); });
    this.form.addEventListener("change", this.tell);
    this.tell();
  }

  disconnectedCallback() {
    this.form.removeEventListener("change", this.tell);
  }

  get boxes() {
    return [...this.form.querySelectorAll("input[type=checkbox][name]")];
  }

  tell() {
    const boxes = this.boxes;
    const chosen = boxes.filter((box) => box.checked).length;
    this.all.checked = chosen > 0 && chosen === boxes.length;
    this.all.indeterminate = chosen > 0 && chosen < boxes.length;
    this.said.textContent = chosen ? this.dataset.said.replace("{number}", chosen) : "";
  }
});
