// The page: follows the workspace, and draws what the acting person sees.
import { getFeed, post, Refused } from "./api.js";
import { drawComposer } from "./composer.js";
import { el, icon, toast } from "./dom.js";
import { keepingFocus } from "./focus.js";
import { drawHome } from "./home.js";
import { drawMessages } from "./messages.js";
import { drawModal } from "./modals.js";
import { drawSidebar, setOpen } from "./sidebar.js";
import {
  addressOf, APP, changed, currentChannel, directChannel, forgetPerson, humans, isLoaded, markSeen,
  myChannels, onChange, person, readAddress, state,
} from "./store.js";

const WAIT_S = 25;
const RETRY_MS = 1000;
const REMEMBERED = "findme-sandbox-person";

const tabs = document.getElementById("tabs");
const talk = document.getElementById("talk");
let version = "";
let controller = new AbortController();

// Whether the address names who and where one is. One that was made a moment ago comes with a feed.
let isSettled = false;

/** Move to where the address bar says, as far as there is such a place. */
function settle() {
  if (!state.feed) return;
  const { who, place, rest } = readAddress();
  const known = (id) => humans().some((each) => each.id === id);
  const wanted = [who, state.me, sessionStorage.getItem(REMEMBERED), humans()[0]?.id].find(known);
  isSettled = !who || known(who);
  if (wanted !== state.me) {
    state.me = wanted ?? null;
    if (wanted) sessionStorage.setItem(REMEMBERED, wanted);
    forgetPerson();
    for (const dialog of document.querySelectorAll("dialog.box, dialog.lightbox")) dialog.close();
    document.getElementById("live").replaceChildren();
    version = "";
    controller.abort();
    return;
  }
  if (isLoaded()) settlePlace(place, rest);
}

function settlePlace(place, rest) {
  const direct = directChannel();
  const mine = myChannels();
  const isHere = place === APP || mine.some((each) => each.id === place);
  if (place && place === direct?.id) state.place = APP;
  else if (isHere || !mine.some((each) => each.id === state.place))
    state.place = isHere ? place : mine[0]?.id ?? APP;
  isSettled &&= !place || isHere || state.place === APP;
  state.tab = state.place === APP && rest === "home" ? "home" : "messages";
  state.target = rest && rest !== "home" && isHere ? rest : null;
  const address = addressOf(state.me, state.place, state.tab === "home" ? "home" : undefined);
  if (isSettled && location.hash !== address) history.replaceState(null, "", address);
  if (state.place === APP && !direct)
    post("directs", { person: state.me }).catch((error) => toast(error.message));
}

function drawTop() {
  const channel = currentChannel();
  const isApp = state.place === APP;
  const name = document.getElementById("place-name");
  const note = document.getElementById("place-note");
  const otherwise = isLoaded() ? "Local workspace" : "…";
  name.textContent = isApp ? state.feed.bot_name : channel ? `#${channel.name}` : otherwise;
  document.title = `${name.textContent} – local workspace`;
  const members = (channel?.members ?? []).filter((id) => id !== state.feed.bot_user_id).length;
  note.textContent = isApp ? "App"
    : channel ? `${channel.kind === "private_channel" ? "Private · " : ""}${members} people` : "";
  drawInvitation(isApp ? null : channel);
  tabs.hidden = !isApp;
  talk.hidden = isApp && state.tab === "home";
  for (const tab of tabs.children)
    tab.setAttribute("aria-selected", String(tab.dataset.tab === state.tab));
}

function drawInvitation(channel) {
  const place = document.getElementById("top-actions");
  const isMissing = channel && !channel.members.includes(state.feed.bot_user_id);
  const key = isMissing ? channel.id : "";
  if (place.dataset.key === key) return;
  place.dataset.key = key;
  place.replaceChildren(isMissing
    ? el("button", { type: "button", class: "button is-small", onclick: () =>
        post("invitations", { person: state.me, channel: channel.id })
          .catch((error) => toast(error.message)) }, icon("plus"), `Invite ${state.feed.bot_name}`)
    : "");
}

for (const [tab, label] of [["messages", "Messages"], ["home", "Home"]])
  tabs.append(el("button", { type: "button", role: "tab", data: { tab }, "aria-selected": "false",
    onclick: () => {
      location.hash = addressOf(state.me, APP, tab === "home" ? "home" : undefined);
    } }, label));
tabs.addEventListener("keydown", (event) => {
  if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
  const other = [...tabs.children].find((each) => each !== document.activeElement);
  other.focus();
  other.click();
});

function drawEmpty() {
  document.body.classList.toggle("is-empty", !state.me);
  document.body.classList.toggle("is-offline", !state.isOnline);
}

function draw() {
  drawEmpty();
  if (!state.feed) return;
  keepingFocus(() => {
    drawSidebar();
    if (!state.me) return;
    drawTop();
    drawMessages();
    drawComposer();
    drawHome();
    drawModal();
  });
  const channel = currentChannel();
  if (channel && state.tab === "messages" && document.visibilityState === "visible") {
    markSeen(channel.id);
    drawSidebar();
  }
}

onChange(draw);
addEventListener("hashchange", () => {
  setOpen(false);
  settle();
  changed();
  if (matchMedia("(min-width: 721px)").matches && state.tab === "messages")
    document.getElementById("write").focus();
});
document.addEventListener("visibilitychange", changed);
// A link to a message leads there, and not to another tab.
document.addEventListener("click", (event) => {
  const anchor = event.target.closest?.("a[href]");
  const found = anchor && /^\/archives\/(\w+)\/p(\d+)(\d{6})$/.exec(anchor.pathname);
  if (!found || anchor.port !== location.port || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  setOpen(false);
  if (!myChannels().some((each) => each.id === found[1]) && directChannel()?.id !== found[1]) {
    toast(`${person(state.me).name} is not in that channel.`);
    return;
  }
  location.hash = addressOf("-", found[1], `${found[2]}.${found[3]}`);
});

async function follow() {
  for (;;) {
    const me = state.me;
    try {
      const answer = await getFeed({ person: me, version, waitS: version ? WAIT_S : 0,
        signal: controller.signal });
      if (me !== state.me) continue;
      const cameBack = !state.isOnline;
      state.isOnline = true;
      version = answer.version;
      if (answer.feed) {
        const isFirst = state.feed?.person !== answer.feed.person;
        state.feed = answer.feed;
        if (isFirst || !isSettled || !state.me || !currentChannel()) settle();
        changed();
      } else if (cameBack) changed();
    } catch (error) {
      if (error.name === "AbortError") {
        controller = new AbortController();
        continue;
      }
      version = "";
      // The workspace was started anew: the person is gone.
      if (error instanceof Refused) state.me = null;
      state.isOnline = false;
      changed();
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

follow();
