// More articles when the end of the list comes into view; without this, the links "Older" and "Newer" do it.
"use strict";

{
  const list = document.getElementById("listed");
  const total = document.getElementById("total");
  const told = document.getElementById("told");
  const PAGES = 5; // then it waits for a click, so that the foot of the page can be reached
  let left = PAGES;
  let loading = false;

  const fill = (words, values) => words.replace(/\{(\w+)\}/g, (_, name) => values[name]);

  const count = (more) => {
    if (!total || !more) return;
    for (const name of ["articles", "minutes"]) total.dataset[name] = Number(total.dataset[name]) + Number(more.dataset[name]);
    const minutes = Number(total.dataset.minutes);
    total.textContent = fill(total.dataset.words, {
      articles: total.dataset.articles, hours: Math.floor(minutes / 60), minutes: minutes % 60,
    });
  };

  const append = async (link) => {
    if (loading) return;
    loading = true;
    link.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(link.href, { headers: { Accept: "text/html" } });
      if (!answer.ok) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const more = page.getElementById("listed");
      if (!more) throw new Error("nothing is listed");
      // One stream is one list: its items go on in the one that is here.
      const into = list.querySelector(":scope > ol.stream") ?? list;
      const from = more.querySelector(":scope > ol.stream") ?? more;
      const items = [...from.children];
      into.append(...items);
      document.dispatchEvent(new CustomEvent("listed", { detail: items }));
      count(page.getElementById("total"));
      told.textContent = fill(told.dataset.words, { articles: page.getElementById("total")?.dataset.articles ?? "" });
      const next = page.querySelector(".pager [rel=next]");
      if (next) {
        link.href = next.href;
        link.removeAttribute("aria-busy");
      } else {
        link.remove();
      }
    } catch {
      left = 0; // the link itself still leads on
      link.removeAttribute("aria-busy");
    }
    loading = false;
  };

  const older = document.querySelector(".pager [rel=next]");
  if (list && older && "IntersectionObserver" in window) {
    const watching = new IntersectionObserver(async (seen) => {
      if (!seen.some((one) => one.isIntersecting) || left <= 0) return;
      left -= 1;
      await append(older);
      // What is still in view tells nothing new: look again.
      if (older.isConnected) {
        watching.unobserve(older);
        watching.observe(older);
      }
    }, { rootMargin: "600px" });
    watching.observe(older);
    older.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
      event.preventDefault();
      left = PAGES;
      append(older);
    });
  }
}
