// A mistake in the summary leads to its field, and into it: what follows an address alone is only scrolled to.
document.addEventListener("click", (event) => {
  const link = event.target.closest(".trouble a[href^='#']");
  const field = link && document.getElementById(link.hash.slice(1));
  if (!field) return;
  event.preventDefault();
  (field.matches("input, select, textarea") ? field : field.querySelector("input, select, textarea"))?.focus();
});
