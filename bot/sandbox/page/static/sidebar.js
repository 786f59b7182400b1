// Who one acts as, and the places that person may look at.
import { arrange, el, icon } from "./dom.js";
import { addChannel, addPerson, changePicture } from "./forms.js";
import { avatar } from "./pictures.js";
import { withMenu } from "./popup.js";
import {
  addressOf, APP, directChannel, humans, isLoaded, myChannels, person, state, unreadCount,
} from "./store.js";

const acting = document.getElementById("acting");
const places = document.getElementById("places");
const menu = document.getElementById("menu");
const shade = document.getElementById("shade");
const sidebar = document.getElementById("sidebar");

menu.append(icon("menu"), el("span", { class: "menu-dot", hidden: true }));

/** Open or close the sidebar where it lies over the rest (on a phone). */
export function setOpen(isOpen) {
  document.body.classList.toggle("nav-open", isOpen);
  menu.setAttribute("aria-expanded", String(isOpen));
  if (isOpen) sidebar.querySelector("button, a")?.focus();
}

menu.addEventListener("click", () => setOpen(!document.body.classList.contains("nav-open")));
shade.addEventListener("click", () => setOpen(false));
document.addEventListener("keydown", (event) => {
  const isOpen = document.body.classList.contains("nav-open");
  if (event.key !== "Escape" || !isOpen || document.querySelector("dialog[open]")) return;
  setOpen(false);
  menu.focus();
});

function people() {
  const entries = humans().map((each) => ({
    label: [avatar(each.id, "is-small"), el("span", {}, each.name),
      each.is_admin && el("span", { class: "tag" }, "Admin")],
    checked: each.id === state.me,
    choose: () => {
      location.hash = addressOf(each.id, state.place, state.tab === "home" ? "home" : undefined);
    },
  }));
  return [
    ...entries,
    { label: [icon("picture"), el("span", {}, "Change my picture…")], choose: changePicture },
    { label: [icon("plus"), el("span", {}, "Add a person…")], choose: addPerson },
  ];
}

function drawActing() {
  const me = person(state.me);
  const key = JSON.stringify([me, humans().length]);
  if (acting.dataset.key === key) return;
  acting.dataset.key = key;
  const button = me
    ? el("button", { type: "button", class: "acting", "aria-label": `Acting as ${me.name}`,
        data: { keep: "acting" } },
        avatar(me.id),
        el("span", { class: "acting-words" }, el("small", {}, "Acting as"),
          el("strong", {}, me.name)),
        icon("down"))
    : el("button", { type: "button", class: "acting", data: { keep: "acting" } }, icon("plus"),
        "Add a person…");
  acting.replaceChildren(
    me ? withMenu(button, people, { label: "People to act as", className: "is-people" }) : button);
  if (!me) button.addEventListener("click", addPerson);
}

// Nodes that stay: one that is put in another's place under somebody's finger takes no click.
const addButton = el("button", { type: "button", class: "icon-button", "aria-label": "Add a channel",
  data: { keep: "add a channel" }, onclick: addChannel }, icon("plus"));
const channelsHead = el("div", { class: "places-head" }, el("h2", {}, "Channels"), addButton);
const nothing = el("p", { class: "quiet" }, "In no channel yet");
const appsHead = el("div", { class: "places-head" }, el("h2", {}, "Apps"));
const entries = new Map();

function entry(shown) {
  const fresh = newEntry(shown);
  const kept = entries.get(shown.id);
  if (!kept) {
    entries.set(shown.id, fresh);
    return fresh;
  }
  for (const name of ["class", "href", "aria-current"]) {
    const value = fresh.getAttribute(name);
    if (value === null) kept.removeAttribute(name);
    else kept.setAttribute(name, value);
  }
  const parts = [...fresh.children].map((part, at) =>
    kept.children[at]?.isEqualNode(part) ? kept.children[at] : part);
  arrange(kept, parts);
  return kept;
}

function newEntry({ id, label, sign, current, unread }) {
  return el(
    "a",
    { class: `place ${unread ? "is-unread" : ""}`, href: addressOf(state.me, id),
      "aria-current": current ? "page" : null, data: { place: id, keep: `place ${id}` },
      onclick: () => setOpen(false) },
    sign,
    el("span", { class: "place-name" }, label),
    unread > 0 && el("span", { class: "badge", "aria-label": `${unread} new` },
      unread > 99 ? "99+" : String(unread)),
  );
}

export function drawSidebar() {
  drawActing();
  const channels = myChannels().map((each) => ({
    id: each.id,
    label: each.name,
    sign: each.kind === "private_channel" ? icon("lock") : el("span", { class: "hash" }, "#"),
    current: state.place === each.id,
    unread: unreadCount(each.id),
  }));
  const direct = directChannel();
  const app = {
    id: APP,
    label: state.feed.bot_name,
    sign: el("img", { class: "avatar is-small", src: "/page/bot.svg", alt: "" }),
    current: state.place === APP,
    unread: direct ? unreadCount(direct.id) : 0,
  };
  menu.querySelector(".menu-dot").hidden = ![...channels, app].some((each) => each.unread);
  const key = JSON.stringify([state.me, isLoaded(), channels.map((each) => [each.id, each.label, each.current,
    each.unread]), app.current, app.unread]);
  if (places.dataset.key === key) return;
  places.dataset.key = key;
  addButton.disabled = !state.me;
  arrange(places, [
    channelsHead,
    ...channels.map(entry),
    ...(channels.length || !isLoaded() ? [] : [nothing]),
    appsHead,
    entry(app),
  ]);
}
