// The script of all pages: live updates, the connection's state, the sound of a
// page, keyboard shortcuts and completions. Pages also work without JavaScript.
"use strict";
(() => {
  const $ = (selector, within = document) => within.querySelector(selector);
  const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
  const on = (name, does) => document.addEventListener(name, does);

  // The sign-in form sends the reader's time zone, in which the server formats times.
  const zone = $("#zone");
  if (zone) zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
  if (!document.body.classList.contains("in")) return;
  $$(".scripted").forEach((e) => { e.hidden = false; });

  // ---- The connection: the page shows when it is lost, and reconnects.
  const staleAfter = 25000; // the server sends an event every ten seconds
  let source, lastEvent = Date.now(), skew = 0; // skew: how far this clock is ahead of the server's
  const line = $("#line");
  const showConnection = (kind, text) => {
    if (line.dataset.kind === kind) return;
    line.dataset.kind = kind;
    line.className = "line " + kind;
    line.textContent = text;
  };
  const live = () => { lastEvent = Date.now(); showConnection("live", "Live"); };
  const lost = () => showConnection("lost", "Connection lost: this page may be out of date. Reconnecting.");
  htmx.createEventSource = (url) => {
    source?.close();
    const mine = source = new EventSource(url);
    mine.addEventListener("open", live);
    mine.addEventListener("beat", (event) => { live(); skew = Date.now() - Number(event.data || Date.now()); });
    mine.addEventListener("live", (event) => {
      live();
      const at = new URL($("#live").getAttribute("sse-connect"), location.href);
      at.searchParams.set("at", event.lastEventId);
      $("#live").setAttribute("sse-connect", at.pathname + at.search);
    });
    mine.addEventListener("gone", () => { mine.close(); location.reload(); });
    mine.addEventListener("out", () => { mine.close(); leave(); });
    mine.addEventListener("error", () => {
      if (mine !== source) return;
      lost();
      if (mine.readyState === EventSource.CLOSED) leaveIfSignedOut();
    });
    return mine;
  };
  const reconnect = () => {
    const old = $("#live"), fresh = old.cloneNode(false);
    if (source) source.close();
    lastEvent = Date.now();
    old.replaceWith(fresh);
    htmx.process(fresh);
  };
  const leaveIfSignedOut = async () => { // leaves if the session has ended, and not if the server cannot be reached
    const answer = await fetch("/complete?line=", { cache: "no-store" }).catch(() => null);
    if (answer && answer.status === 401) leave();
  };
  const leave = () => { // reloads the page, unless the reader would lose text
    const writing = $$("textarea, input:not([type=hidden]):not([type=checkbox]):not([type=radio])").some((e) => e.value !== e.defaultValue);
    if (!writing) { location.reload(); return; }
    showConnection("lost", "You are signed out. Sign in again in another tab: your text is still here.");
  };
  const look = (limit) => {
    if (line.dataset.kind === "away" || Date.now() - lastEvent < limit) return;
    lost();
    reconnect();
  };
  setInterval(() => look(staleAfter), 2000);
  // Over HTTP/1.1 a browser opens at most six connections to one server: with a
  // seventh page connected, nothing would load any more. Of the pages in the
  // background, three stay connected, so that they can sound; the others disconnect
  // until they are shown.
  let free, choosing = false;
  const slot = (n) => new Promise((got) => {
    navigator.locks.request("tocsin " + n, { ifAvailable: true }, (lock) => {
      got(Boolean(lock));
      return lock && new Promise((done) => { free = done; });
    });
  });
  const hidden = async () => {
    // Locks exist only over HTTPS and on localhost. Without them every page stays
    // connected: to hear a page is more important than a seventh tab.
    if (free || choosing || !navigator.locks) return;
    choosing = true;
    let has = false;
    for (const n of [1, 2, 3]) if (!has) has = await slot(n);
    choosing = false;
    if (!document.hidden) { markShown(); return; }
    if (has) return;
    source?.close();
    showConnection("away", "Paused in the background");
  };
  const markShown = () => {
    free?.();
    free = null;
    if (line.dataset.kind === "away") reconnect();
  };
  const back = () => {
    if (document.hidden) { hidden(); return; }
    markShown();
    look(line.dataset.kind === "lost" ? 1000 : 12000);
  };
  on("visibilitychange", back);
  for (const name of ["online", "focus", "pageshow"]) window.addEventListener(name, back);
  window.addEventListener("offline", lost);

  // ---- Relative times.
  const span = (ms) => {
    const min = Math.round(ms / 60000);
    if (min < 1) return ms < 45000 ? Math.max(1, Math.round(ms / 1000)) + " s" : "1 min";
    if (min < 60) return min + " min";
    return min < 2880 ? Math.floor(min / 60) + " h" + (min < 600 && min % 60 ? " " + (min % 60) + " min" : "") : Math.floor(min / 1440) + " days";
  };
  const tick = () => {
    const now = Date.now() - skew;
    $$("[data-ago]").forEach((e) => {
      const past = now - Date.parse(e.dateTime);
      if (!e.title) e.title = e.textContent;
      e.textContent = past < 60000 ? "just now" : span(past) + " ago";
    });
    $$("[data-until]").forEach((e) => {
      const left = Date.parse(e.dataset.until) - now;
      e.textContent = left < 1000 ? "now" : "in " + span(left);
    });
  };
  setInterval(tick, 5000);

  // ---- Paging: a banner, the title, and a sound once the reader has turned it on.
  const title = document.title, sound = $("#sound");
  let audio, lastChime = 0;
  const loud = () => localStorage.getItem("tocsin-sound") === "on";
  const canSound = () => audio?.state === "running";
  const showSound = () => {
    sound.setAttribute("aria-pressed", String(loud() && canSound()));
    sound.textContent = !loud() ? "Sound off" : canSound() ? "Sound on" : "Sound blocked: allow";
  };
  // A browser plays nothing before the reader has used the page: until then the button
  // says so, and any click or key allows it.
  const unlock = async () => {
    if (!loud() || !window.AudioContext) return;
    if (!audio) { audio = new AudioContext(); audio.onstatechange = showSound; }
    if (!canSound()) await audio.resume().catch(() => {});
    showSound();
  };
  const chime = () => {
    if (!canSound()) return;
    [[660, 0], [880, 0.22], [660, 0.44]].forEach(([tone, after]) => {
      const voice = audio.createOscillator(), volume = audio.createGain(), at = audio.currentTime + after;
      voice.frequency.value = tone;
      volume.gain.setValueAtTime(0.0001, at);
      volume.gain.exponentialRampToValueAtTime(0.25, at + 0.03);
      volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.2);
      voice.connect(volume).connect(audio.destination);
      voice.start(at);
      voice.stop(at + 0.22);
    });
  };
  const announcePages = () => {
    const calls = line.dataset.kind === "away" ? "" : ($(".banner")?.dataset.banner || "").trim(); // a paused page may be out of date
    document.title = calls ? "⚠ " + calls.replaceAll(" ", ", ") + (calls.includes(" ") ? " need you" : " needs you") + " · Tocsin" : title;
    if (!calls) { lastChime = 0; return; }
    if (loud() && Date.now() - lastChime > 8000) { lastChime = Date.now(); chime(); }
  };
  sound.addEventListener("click", async () => {
    localStorage.setItem("tocsin-sound", loud() && canSound() ? "off" : "on");
    showSound();
    await unlock();
    if (loud()) chime();
  });
  for (const gesture of ["pointerup", "keyup"]) {
    document.addEventListener(gesture, (e) => { if (e.target !== sound) unlock(); });
  }
  showSound();
  unlock();
  setInterval(announcePages, 1000);

  // ---- After each update: keep the scroll position, and format the times.
  const log = $("#log");
  let low = true;
  const atEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 48;
  const toEnd = () => { if (log) log.scrollTop = log.scrollHeight; };
  on("htmx:oobBeforeSwap", (e) => { if (log && e.detail.target.id === "live-conversation") low = atEnd(); });
  on("htmx:oobAfterSwap", (e) => {
    if (e.detail.target.id === "live-conversation" && low) toEnd();
    if (e.detail.target.id === "live-banner") announcePages();
    tick();
  });

  // ---- Requests. Each has a random ID, so that a request that is sent again after
  // a lost response runs once.
  const names = new WeakMap(), openers = new WeakMap();
  let sent = "";
  const fresh = () => [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");
  const showResult = (ok, text, where = $("#result")) => {
    const box = document.createElement("div"), p = document.createElement("p");
    box.className = "result " + (ok ? "ok" : "no");
    p.textContent = text;
    box.append(p);
    where.replaceChildren(box);
  };
  const formOf = (e) => e.detail.elt.closest("form");
  on("htmx:configRequest", (e) => {
    const form = formOf(e);
    if (!form) return;
    if (!names.has(form)) names.set(form, fresh());
    e.detail.parameters.op = names.get(form);
    if (form.id === "box-form") sent = form.elements.text.value;
  });
  const quiet = () => $$(".problem, .results").forEach((p) => p.replaceChildren());
  on("htmx:beforeRequest", quiet);
  on("htmx:afterRequest", (e) => {
    const form = formOf(e), outcome = e.detail.xhr.getResponseHeader("X-Command-Result");
    if (!form || !outcome) return;
    names.delete(form);
    const sheet = form.closest(".sheet");
    if (outcome === "ok") {
      if (form.matches(".sheet form") || form.id === "box-form" && form.elements.text.value === sent) form.reset();
      if (sheet) close();
      if (form.id === "box-form") { low = true; toEnd(); }
    } else if (sheet) {
      $(".problem", form).replaceChildren(...$("#result").childNodes);
    }
    fade();
  });
  let fading;
  const fade = () => {
    clearTimeout(fading);
    $$(".results .result").forEach((result) => {
      if (!result.textContent.trim()) { result.remove(); return; }
      const away = document.createElement("button");
      away.type = "button";
      away.className = "plain away";
      away.textContent = "Dismiss";
      away.addEventListener("click", () => result.remove());
      result.prepend(away);
    });
    const done = $("#result .result.ok");
    if (done && done.textContent.length < 240) fading = setTimeout(() => done.remove(), 10000);
  };
  const fail = (text) => (e) => {
    const form = formOf(e), where = form && $(".problem", form);
    showResult(false, text(e), where || (form?.id === "box-form" ? $("#box-result") : $("#result")));
    fade();
  };
  on("htmx:sendError", fail(() => "Not sent: the server cannot be reached. Your text is still here; try again."));
  on("htmx:timeout", fail(() => "No response yet. Try again: the request runs once, however often you send it."));
  on("htmx:responseError", fail((e) => ({
    401: "You are signed out. Sign in again in another tab, then try again here.",
    403: "Refused: it seemed to come from another site. Reload the page, then try again.",
    503: "Tocsin cannot reach its store right now, and it is not certain whether your change was saved. Try again in a moment: the request runs once.",
  })[e.detail.xhr.status] || "The request failed (" + e.detail.xhr.status + "). Nothing was changed. Reload the page, then try again."));

  // ---- Forms that open from a button.
  const sheet = () => { const s = document.getElementById(location.hash.slice(1)); return s?.matches(".sheet") ? s : null; };
  const close = () => {
    const s = sheet(), opener = s && openers.get(s);
    location.replace("#_");
    if (opener?.isConnected) opener.focus({ preventScroll: true });
    if (s?.contains(document.activeElement)) document.activeElement.blur(); // else the next key press would go into the closed form
  };
  const focusOpenedForm = () => { if (sheet()) ($("input:not([type=hidden]), select, textarea", sheet()) || sheet()).focus({ preventScroll: true }); };
  window.addEventListener("hashchange", focusOpenedForm);
  on("click", (e) => {
    const link = e.target.closest("a[href^='#do-']");
    if (link) {
      const s = document.getElementById(link.hash.slice(1));
      if (s) openers.set(s, link);
    }
    if (e.target.closest("a.close") || e.target.matches(".sheet")) { e.preventDefault(); close(); }
  });
  const trap = (e, s) => {
    const all = $$("a[href], button, input:not([type=hidden]), select, textarea", s).filter((x) => x.getClientRects().length);
    const first = all[0], last = all[all.length - 1];
    if (e.shiftKey && document.activeElement === first) { e.preventDefault(); last.focus(); }
    if (!e.shiftKey && document.activeElement === last) { e.preventDefault(); first.focus(); }
  };

  // ---- The message box and its completions.
  const box = $("#box"), options = $("#options");
  let choices = [], chosen = -1, asking, soon;
  const mark = (n) => {
    chosen = n;
    [...options.children].forEach((o, at) => o.setAttribute("aria-selected", String(at === n)));
    if (n >= 0) { box.setAttribute("aria-activedescendant", options.children[n].id); options.children[n].scrollIntoView({ block: "nearest" }); } else box.removeAttribute("aria-activedescendant");
  };
  const hide = () => { clearTimeout(soon); asking?.abort(); if (options) { options.hidden = true; choices = []; chosen = -1; box.removeAttribute("aria-activedescendant"); } };
  const offer = (found) => {
    choices = found.filter((c) => c.line !== box.value);
    options.replaceChildren(...choices.map((c, n) => {
      const li = document.createElement("li"), help = document.createElement("span");
      li.id = "option-" + n;
      li.role = "option";
      li.textContent = c.label + " ";
      help.className = "meta";
      help.textContent = c.help || "";
      li.append(help);
      li.addEventListener("mousedown", (e) => { e.preventDefault(); take(n); });
      return li;
    }));
    options.hidden = choices.length === 0;
    mark(-1);
  };
  const ask = async () => {
    asking?.abort();
    if (!box.value.startsWith("/") || box.value.includes("\n")) { hide(); return; }
    const mine = asking = new AbortController();
    const query = new URLSearchParams({ room: $(".room").dataset.room, line: box.value });
    const answer = await fetch("/complete?" + query, { signal: asking.signal }).catch(() => null);
    const found = answer?.ok ? await answer.json().catch(() => []) : [];
    if (!mine.signal.aborted) offer(found);
  };
  const take = (n) => { box.value = choices[n].line; hide(); box.focus(); ask(); };
  if (box) {
    box.setAttribute("aria-autocomplete", "list");
    box.setAttribute("aria-controls", "options");
    box.addEventListener("input", () => { clearTimeout(soon); soon = setTimeout(ask, 60); $("#box-result").replaceChildren(); });
    box.addEventListener("blur", hide);
    box.addEventListener("keydown", (e) => {
      const open = !options.hidden;
      if (open && (e.key === "ArrowDown" || e.key === "ArrowUp")) {
        e.preventDefault();
        const step = e.key === "ArrowDown" ? 1 : -1;
        mark((chosen + step + (chosen < 0 && step < 0 ? 1 : 0) + choices.length) % choices.length);
      } else if (open && e.key === "Tab" && !e.shiftKey) {
        e.preventDefault();
        take(Math.max(chosen, 0));
      } else if (open && e.key === "Enter" && (chosen >= 0 || choices.length === 1 && !box.value.includes(" "))) {
        e.preventDefault();
        take(Math.max(chosen, 0));
      } else if (e.key === "Escape") {
        if (open) e.stopPropagation();
        hide();
      } else if (e.key === "Enter" && !e.shiftKey && !e.isComposing) {
        e.preventDefault();
        hide();
        if (box.value.trim()) box.form.requestSubmit();
      }
    });
  }

  // ---- Keys.
  const keys = $("#keys");
  $("#keys-open").addEventListener("click", () => keys.showModal());
  const step = (by) => {
    const rows = $$("#rows .name a");
    const at = rows.indexOf(document.activeElement);
    rows[Math.min(Math.max(at + by, 0), rows.length - 1)]?.focus();
  };
  const acknowledge = () => { // the room's incident; elsewhere the one in the banner, if it is the only one
    const room = $(".room"), calls = $$(".banner form");
    const form = room ? $$("#live-card form").find((f) => f.elements.text?.value.startsWith("ack ")) : calls.length === 1 && calls[0];
    if (form) form.requestSubmit();
  };
  const open = (word) => { if (document.getElementById("do-" + word)) { const s = document.getElementById("do-" + word); openers.set(s, document.activeElement); location.hash = "do-" + word; } };
  const commands = {
    "?": () => keys.showModal(),
    i: () => { location.href = "/"; },
    d: () => { location.href = "/declare"; },
    j: () => step(1),
    k: () => step(-1),
    a: acknowledge,
    u: () => open("update"),
    r: () => open("resolve"),
    m: () => box?.focus(),
    "/": () => { const to = box || $("#q"); if (!to) return; const fold = to.closest("details"); if (fold) fold.open = true; to.focus(); if (to === box && !box.value) { box.value = "/"; ask(); } },
  };
  on("keydown", (e) => {
    const s = sheet();
    if (e.key === "Escape") { if (s) close(); else quiet(); return; }
    if (s && e.key === "Tab") { trap(e, s); return; }
    if (s || e.repeat || keys.open || e.ctrlKey || e.metaKey || e.altKey || e.target.matches("input, select, textarea")) return;
    if (commands[e.key]) { e.preventDefault(); commands[e.key](); }
  });

  toEnd();
  tick();
  announcePages();
  focusOpenedForm();
})();
