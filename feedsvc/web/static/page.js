// Comforts; every page works without them.
"use strict";

// Copy buttons show themselves where there is a script to serve them.
for (const button of document.querySelectorAll("button[data-copies]")) {
  const address = document.getElementById(button.dataset.copies);
  button.hidden = false;
  button.addEventListener("click", async () => {
    getSelection().selectAllChildren(address);
    button.dataset.words ??= button.textContent;
    try {
      await navigator.clipboard.writeText(address.textContent);
      button.textContent = button.dataset.copied ?? "Copied";
    } catch {
      // Browsers give the clipboard only to https and to this machine: the address is selected for the keyboard.
      button.textContent = button.dataset.selected ?? "Selected";
    }
    setTimeout(() => { button.textContent = button.dataset.words; }, 2000);
  });
}

// Exact times in the person's own time zone.
const showTimes = (within) => {
  for (const time of within.querySelectorAll("time[datetime]")) {
    time.title = new Date(time.dateTime).toLocaleString(undefined, { dateStyle: "full", timeStyle: "short" });
  }
};
showTimes(document);
document.addEventListener("listed", (event) => event.detail.forEach(showTimes));

// Light, dark, or as the system has it.
{
  const button = document.getElementById("theme");
  const root = document.documentElement;
  const show = () => {
    const now = root.dataset.theme ?? "auto";
    button.textContent = button.dataset[now];
    button.setAttribute("aria-label", `${button.dataset.label}: ${button.dataset[now]}`);
  };
  button?.addEventListener("click", () => {
    const next = { auto: "light", light: "dark", dark: "auto" }[root.dataset.theme ?? "auto"];
    if (next === "auto") delete root.dataset.theme;
    else root.dataset.theme = next;
    try {
      if (next === "auto") localStorage.removeItem("theme");
      else localStorage.setItem("theme", next);
    } catch { /* it holds for this page */ }
    show();
  });
  if (button) {
    button.hidden = false;
    show();
  }
}
