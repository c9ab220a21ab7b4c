// The sheet under a person's name closes when somebody goes on elsewhere, or presses Escape.
document.addEventListener("click", (event) => {
  for (const each of document.querySelectorAll("details.me[open]")) if (!each.contains(event.target)) each.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const each of document.querySelectorAll("details.me[open]")) {
    each.open = false;
    each.querySelector("summary").focus();
  }
});
