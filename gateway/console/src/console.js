// Live figures and the theme. Without it every page works: figures are those of the last loading.
"use strict";
const root = document.documentElement;

const theme = document.getElementById("theme");
if (theme) {
  theme.hidden = false;
  theme.addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    document.cookie = `hutong_theme=${root.dataset.theme}; Path=/console; Max-Age=31536000; SameSite=Strict`;
  });
}

// choosing is enough: the button is for those without the script
document.querySelectorAll("form.filters select").forEach((select) => select.addEventListener("change", () => select.form.requestSubmit()));

const live = document.getElementById("live");
if (live && window.EventSource) {
  let swapped = Date.now(), waiting = null;

  // charts are drawn by the server: the part is fetched anew, at most every five seconds, never under somebody's hands
  const swap = async () => {
    waiting = null;
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" } });
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live");
      if (!fresh || live.contains(document.activeElement) || live.querySelector("details[open]")) return;
      live.replaceChildren(...fresh.childNodes);
      swapped = Date.now();
    } catch { /* the next event tries again */ }
  };

  const told = (event) => {
    const { position, figures } = JSON.parse(event.data);
    let changed = false;
    for (const element of document.querySelectorAll("[data-live]")) {
      const text = figures[element.dataset.live];
      if (text !== undefined && element.textContent !== text) {
        element.textContent = text;
        changed = true;
        element.classList.remove("flash");
        void element.offsetWidth; // restarts the animation
        element.classList.add("flash");
      }
    }
    live.dataset.position = position;
    if (changed && !waiting) waiting = setTimeout(swap, Math.max(500, swapped + 5000 - Date.now()));
  };

  // a browser has six connections to a host: a page that nobody sees needs none
  let events = null;
  const listen = () => {
    if (events) events.close();
    events = document.hidden ? null : new EventSource(live.dataset.events);
    if (events) events.addEventListener("figures", told);
  };
  document.addEventListener("visibilitychange", listen);
  addEventListener("pagehide", () => events && events.close());
  listen();
}

// a link to a message opens it
const opened = () => { const to = location.hash && document.getElementById(location.hash.slice(1)); if (to instanceof HTMLDetailsElement) to.open = true; };
addEventListener("hashchange", opened);
opened();
