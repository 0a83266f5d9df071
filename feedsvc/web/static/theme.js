// Runs before the page is drawn, so that it is never drawn in the wrong colours.
"use strict";

{
  const chosen = (() => { try { return localStorage.getItem("theme"); } catch { return null; } })();
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
}
