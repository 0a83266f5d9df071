// How far past issues of a newsletter are read again.
"use strict";

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
