// Sends files one by one, from the form or dropped on the page, and shows how far each is.
"use strict";

{
  const form = document.getElementById("drop");
  const input = document.getElementById("files");
  const list = document.getElementById("uploads");
  const line = document.getElementById("upload");
  const atOnce = 3;
  const waiting = [];
  let underWay = 0;

  const show = (item, state, words, file) => {
    item.dataset.state = state;
    item.querySelector(".fate").textContent = words;
    if (state !== "sending") item.querySelector("progress")?.remove();
    if (file?.url) {
      const link = item.querySelector(".link");
      link.hidden = false;
      link.firstChild.href = file.url;
      link.firstChild.textContent = file.subject || form.dataset.articles;
    }
  };

  // Asks until it is done, less and less often, for some minutes.
  const follow = async (item, file, pause = 400) => {
    while (file.state === "waiting" && pause < 60_000) {
      show(item, "waiting", file.words);
      await new Promise((resolve) => { setTimeout(resolve, pause); });
      pause *= 1.3;
      try {
        const answer = await fetch(form.dataset.status + file.id, { headers: { Accept: "application/json" } });
        if (answer.ok) file = await answer.json();
      } catch { /* asked again */ }
    }
    show(item, file.state, file.state === "waiting" ? form.dataset.again : file.words, file);
  };

  const send = (file, item) => {
    const request = new XMLHttpRequest(); // fetch does not tell how much was sent
    const bar = item.querySelector("progress");
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => { bar.value = event.loaded / event.total; });
    request.addEventListener("load", () => {
      if (request.status === 202) follow(item, request.response.files[0]);
      else show(item, "failed", request.response?.error ?? form.dataset.lost);
    });
    request.addEventListener("error", () => show(item, "failed", form.dataset.lost));
    request.addEventListener("loadend", () => { underWay -= 1; next(); });
    const body = new FormData();
    body.append(input.name, file);
    request.send(body);
  };

  const next = () => {
    while (waiting.length && underWay < atOnce) {
      underWay += 1;
      send(...waiting.shift());
    }
  };

  const add = (files) => {
    for (const file of files) {
      const item = line.content.firstElementChild.cloneNode(true);
      item.querySelector(".file").textContent = file.name;
      item.querySelector("progress").setAttribute("aria-label", file.name);
      list.append(item);
      if (file.size > Number(form.dataset.maxBytes)) {
        show(item, "failed", form.dataset.tooLarge);
      } else {
        show(item, "sending", form.dataset.sending);
        waiting.push([file, item]);
      }
    }
    list.parentElement.hidden = false;
    next();
  };

  for (const hidden of form.querySelectorAll(".only-scripted")) hidden.hidden = false;
  form.querySelector("button").hidden = true;
  input.addEventListener("change", () => {
    add(input.files);
    input.value = "";
  });

  const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    form.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) form.classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    form.classList.remove("over");
    add(event.dataTransfer.files);
  });
}
