"use strict";
(() => {
  const form = document.querySelector("form.filter");
  const actions = Array.from(document.querySelectorAll("details.action"));
  const all = () => Array.from(document.querySelectorAll("details"));
  if (form) {
    const search = form.querySelector("input[type=search]");
    const boxes = Array.from(form.querySelectorAll("input[type=checkbox]"));
    const status = form.querySelector(".status");
    const none = document.querySelector(".none");
    const texts = new Map(actions.map((action) => [action, action.textContent.toLowerCase()]));
    const filter = () => {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      const kinds = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
      let shown = 0;
      for (const action of actions) {
        const fits = kinds.has(action.dataset.kind) ? words.every((word) => texts.get(action).includes(word)) : false;
        action.hidden = !fits;
        shown += fits ? 1 : 0;
      }
      none.hidden = shown > 0;
      status.textContent = shown === actions.length ? "" : "showing " + shown + " of " + actions.length;
    };
    form.addEventListener("input", filter);
    form.addEventListener("submit", (event) => event.preventDefault());
    search.addEventListener("keydown", (event) => {
      // Not every browser clears a search field by itself.
      if (event.key === "Escape") {
        search.value = "";
        filter();
      }
    });
    form.addEventListener("click", (event) => {
      const fold = event.target.dataset ? event.target.dataset.fold : undefined;
      if (fold) for (const action of actions) action.open = fold === "open";
    });
    form.hidden = false;
  }
  const unfold = () => {
    const at = document.getElementById(location.hash.slice(1));
    if (at) if (at.tagName === "DETAILS") {
      at.hidden = false;
      at.open = true;
      at.querySelector("summary").focus();
    }
  };
  addEventListener("hashchange", unfold);
  unfold();
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = all().filter((one) => !one.open);
    for (const one of folded) one.open = true;
  });
  addEventListener("afterprint", () => {
    for (const one of folded) one.open = false;
  });
})();
