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

// the same place in the other language
const other = document.querySelector(".tools a[hreflang]");
if (other) other.addEventListener("click", () => { if (location.hash && !other.hash) other.href += location.hash; });

// choosing with a pointer is enough; by keyboard each step changes the choice, so there the button sends it
let pointed = false;
addEventListener("pointerdown", () => { pointed = true; }, true);
addEventListener("keydown", () => { pointed = false; }, true);
document.querySelectorAll("form.filters select").forEach((select) =>
  select.addEventListener("change", () => { if (pointed) select.form.requestSubmit(); }));

const live = document.getElementById("live");
if (live && window.EventSource) {
  let swapped = Date.now(), waiting = null;

  // charts and tables are drawn by the server: the part is fetched anew, at most every five seconds; what is open stays open,
  // who was at a link stays there, and what somebody has marked is left alone
  const swap = async () => {
    waiting = null;
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" } });
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live");
      if (!fresh || !getSelection().isCollapsed) return;
      if (Number(fresh.dataset.position) < Number(live.dataset.position)) {
        waiting = setTimeout(swap, 500);
        return;
      }
      for (const details of live.querySelectorAll("details[open]")) {
        const same = fresh.querySelector(`#${CSS.escape(details.id)}`);
        if (same) same.open = true;
      }
      const at = live.contains(document.activeElement) ? document.activeElement : null;
      live.replaceChildren(...fresh.childNodes);
      const same = at && [...live.querySelectorAll(at.localName)].find((e) => e.textContent === at.textContent || (at.href && e.href === at.href));
      if (same) same.focus({ preventScroll: true });
      live.dataset.position = fresh.dataset.position;
      swapped = Date.now();
    } catch { /* the next event tries again */ }
  };

  const told = (event) => {
    const { position, figures } = JSON.parse(event.data);
    // the page may have been made after the figures that the stream begins with
    if (position < Number(live.dataset.position)) return;
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

  // says whether the figures are current; a stream that is only begun anew is no news
  const stream = document.getElementById("stream");
  let silent = null;
  const show = (text, lost) => {
    if (!stream.hidden && stream.textContent === text) return;
    stream.textContent = text;
    stream.classList.toggle("error", lost);
    stream.hidden = false;
  };
  const say = (on) => {
    if (on) {
      clearTimeout(silent);
      silent = null;
      show(stream.dataset.on, false);
    } else if (!silent) {
      silent = setTimeout(show, 4000, stream.dataset.off, true);
    }
  };

  // a browser has six connections to a host: a page that nobody sees needs none
  let events = null;
  const listen = () => {
    if (events) events.close();
    events = document.hidden ? null : new EventSource(live.dataset.events);
    if (!events) return say(true);
    events.addEventListener("figures", told);
    events.addEventListener("open", () => say(true));
    events.addEventListener("error", () => {
      say(false);
      // the browser gives up where it was answered at all: a gateway that is being restarted
      if (events.readyState === EventSource.CLOSED) setTimeout(listen, 5000);
    });
  };
  document.addEventListener("visibilitychange", listen);
  addEventListener("pagehide", () => events && events.close());
  listen();
}

// a link to a message opens it
const opened = () => { const to = location.hash && document.getElementById(location.hash.slice(1)); if (to instanceof HTMLDetailsElement) to.open = true; };
addEventListener("hashchange", opened);
opened();
