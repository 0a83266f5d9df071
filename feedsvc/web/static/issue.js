// The mail follows the articles: a comfort, for links do the same.
"use strict";

{
  const frame = document.querySelector("iframe[name=original]");
  const wide = matchMedia("(min-width: 64rem)");
  let shown = "";
  const show = (link) => {
    if (!frame || link.href === shown) return;
    shown = link.href;
    // Without an entry in the history, which a click on the link would make.
    frame.contentWindow.location.replace(link.href);
  };
  for (const link of document.querySelectorAll("a.to-mail")) {
    const article = link.closest("article");
    let waiting = 0;
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      show(link);
      if (!wide.matches) document.getElementById("mail").scrollIntoView();
    });
    article.addEventListener("pointerenter", (event) => {
      if (event.pointerType === "mouse" && wide.matches) waiting = setTimeout(() => show(link), 250);
    });
    article.addEventListener("pointerleave", () => clearTimeout(waiting));
  }
}

// How far past issues are read again.
for (const note of document.querySelectorAll("[data-rereading]")) {
  const goOn = note.parentElement.querySelector(".go-on");
  let before = "";
  const look = async () => {
    let words;
    try {
      words = (await (await fetch(note.dataset.rereading)).json()).words;
    } catch { return; }
    goOn.hidden = words !== before; // nothing moves: it may have been interrupted
    before = words;
    note.textContent = words || note.dataset.done;
    if (words) setTimeout(look, 1500);
    else goOn.remove();
  };
  goOn.hidden = true;
  setTimeout(look, 700);
}
