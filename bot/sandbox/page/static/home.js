// The bot's Home tab.
import { post, Refused } from "./api.js";
import { showBlocks } from "./blocks.js";
import { el, toast } from "./dom.js";
import { Filling } from "./filling.js";
import { APP, isLoaded, namesKey, state } from "./store.js";

const section = document.getElementById("home");
const inner = el("div", { class: "home-blocks", data: { gallery: "" } });
const empty = el("div", { class: "empty" }, el("img", { src: "/page/bot.svg", alt: "" }),
  el("p", {}, "This app has not put anything here yet."));
section.append(inner, empty);
section.dataset.scope = "home";

const surfaces = new Map();
let openedFor = null;

function surfaceOf(view) {
  if (!surfaces.has(view.id))
    surfaces.set(view.id, { kind: "home", address: { view_id: view.id },
      filling: new Filling(view.filled) });
  const surface = surfaces.get(view.id);
  surface.blocks = view.blocks;
  surface.gone = view.gone;
  return surface;
}

export function drawHome() {
  const isOpen = state.place === APP && state.tab === "home";
  section.hidden = !isOpen;
  if (!isLoaded()) inner.replaceChildren();
  if (!isOpen) {
    openedFor = null;
    return;
  }
  if (openedFor !== state.me && isLoaded()) {
    openedFor = state.me;
    section.scrollTop = 0;
    post("homes", { person: state.me }).catch((error) =>
      toast(error instanceof Refused ? error.message : "The workspace does not answer."));
  }
  const view = state.feed.home;
  empty.hidden = Boolean(view) || !isLoaded();
  if (view) showBlocks(inner, view.blocks, surfaceOf(view), view.id + namesKey());
  else inner.replaceChildren();
}
