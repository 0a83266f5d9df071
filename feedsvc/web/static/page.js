// Comforts; every page works without them.
"use strict";

// Copy buttons show themselves where there is a script to serve them.
for (const button of document.querySelectorAll("button[data-copies]")) {
  const address = document.getElementById(button.dataset.copies);
  button.hidden = false;
  button.addEventListener("click", async () => {
    getSelection().selectAllChildren(address);
    try {
      await navigator.clipboard.writeText(address.textContent);
      button.textContent = "Copied";
    } catch {
      // Browsers give the clipboard only to https and to this machine: the address is selected for the keyboard.
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
}

// Exact times in the person's own time zone.
for (const time of document.querySelectorAll("time[datetime]")) {
  time.title = new Date(time.dateTime).toLocaleString(undefined, { dateStyle: "full", timeStyle: "short" });
}

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
