// The keyboard: j and k walk through the articles, o opens, / searches, ? says so. Nothing of it while one writes.
"use strict";

{
  const ENTRIES = "#listed .entry, .single .entry, [data-walk]";
  const entries = () => [...document.querySelectorAll(ENTRIES)].filter((entry) => entry.checkVisibility());
  const linkOf = (entry) => entry.querySelector("a.go, h2 a, h3 a") ?? entry;

  const here = (all) => all.findIndex((entry) => entry.contains(document.activeElement));

  const walk = (step) => {
    const all = entries();
    if (!all.length) return;
    let at = here(all);
    if (at < 0) {
      // From what is in view on, not from the top of a page that was scrolled.
      const first = all.findIndex((entry) => entry.getBoundingClientRect().bottom > 0);
      at = step > 0 ? Math.max(first, 0) - 1 : first + 1;
    }
    const to = all[Math.min(Math.max(at + step, 0), all.length - 1)];
    const target = linkOf(to);
    if (target === to && !to.hasAttribute("tabindex")) to.tabIndex = -1;
    target.focus({ preventScroll: true });
    to.scrollIntoView({ block: "nearest" });
  };

  const help = document.getElementById("keys");
  const keys = {
    j: () => walk(1),
    k: () => walk(-1),
    o: () => {
      const all = entries();
      const at = here(all);
      if (at >= 0) linkOf(all[at]).click();
    },
    "/": () => {
      const search = document.getElementById("search");
      if (search) {
        search.focus();
        search.select();
      } else {
        location.href = document.querySelector(".brand").href + "#search";
      }
    },
    "?": () => { if (help && !help.open) help.showModal(); },
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
    const at = event.target;
    if (at instanceof Element && at.closest("input, select, textarea, dialog, [contenteditable]")) return;
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });

  if (location.hash === "#search") document.getElementById("search")?.focus();

  // A button for those who do not know of the keys yet, and one that closes what it opens.
  const button = document.getElementById("show-keys");
  if (button && help) {
    button.hidden = false;
    button.addEventListener("click", () => help.showModal());
    help.querySelector("button").addEventListener("click", () => help.close());
  }
}
