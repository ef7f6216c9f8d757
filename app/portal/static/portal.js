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

// Paper leaves the hub's sight: that a page was printed is put on record.
addEventListener("beforeprint", () => {
  const csrf = document.querySelector("#lock")?.elements.csrf?.value;
  if (!csrf) return;
  const body = new URLSearchParams({ csrf, page: location.pathname + location.search });
  fetch("/printed", { method: "POST", body, keepalive: true }).catch(() => {});
});

// The screen of somebody who has left: after the time of the setting without a key, a touch or a move the session is
// locked and the page is gone. Pages of other tabs go with it, and none comes back by the back button.
const tabs = "BroadcastChannel" in window ? new BroadcastChannel("renkei") : null;
const lockSeconds = Number(document.body.dataset.lockSeconds);
if ("gone" in document.body.dataset) tabs?.postMessage("gone");
if (lockSeconds) {
  const clear = () => {
    document.body.hidden = true;
  };
  let moved = Date.now();
  let told = Date.now();
  for (const kind of ["keydown", "pointerdown", "pointermove", "wheel", "touchstart", "scroll"]) {
    addEventListener(kind, () => (moved = Date.now()), { passive: true, capture: true });
  }
  tabs?.addEventListener("message", () => {
    clear();
    location.reload();
  });
  addEventListener("pageshow", (event) => event.persisted && location.reload());
  setInterval(() => {
    if (Date.now() - moved >= lockSeconds * 1000) {
      moved = Date.now();
      clear();
      document.querySelector("#lock")?.submit();
    } else if (moved > told && Date.now() - told >= lockSeconds * 250) {
      told = Date.now();
      fetch("/session", { redirect: "manual" }).then((answer) => {
        if (answer.status !== 204) location.reload();
      }, () => {});
    }
  }, Math.min(5000, lockSeconds * 100));
}
