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
