// Comfort only: every page works without it.
// "/" puts the cursor in the search field; choosing a box of a list chooses "some"; a picture that fails says so.
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const field = document.querySelector("[data-focus]");
  if (field) {
    event.preventDefault();
    field.focus();
    field.select?.();
  }
});
for (const box of document.querySelectorAll("[data-some]")) {
  box.addEventListener("change", () => {
    const some = box.form.querySelector(`[name="${box.dataset.some}"][value="some"]`);
    if (some && box.checked) some.checked = true;
  });
}
for (const image of document.querySelectorAll(".thumbs img")) {
  const fail = () => image.classList.add("failed");
  if (image.complete && image.naturalWidth === 0) fail();
  image.addEventListener("error", fail);
}
