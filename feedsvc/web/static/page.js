// Two comforts; every page works without them.
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
