// The messages of a channel. A message that stays as it was keeps its node.
import { showBlocks } from "./blocks.js";
import { dayKey, dayName, fullTimeOf, timeOf } from "./dates.js";
import { announce, arrange, el, icon } from "./dom.js";
import { keepingFocus } from "./focus.js";
import { Filling } from "./filling.js";
import { mrkdwn, spoken } from "./mrkdwn.js";
import { avatar, files } from "./pictures.js";
import { currentChannel, isLoaded, messagesIn, namesKey, person, state } from "./store.js";

const TOGETHER_S = 300;
const NEAR_END_PX = 80;

const scroll = document.getElementById("scroll");
const list = document.getElementById("messages");
const newer = document.getElementById("newer");
const fillings = new Map();

let shownPlace = null;
let shown = new Map();
let lastTs = 0;

function isAtEnd() {
  return scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR_END_PX;
}

// Where the page itself has scrolled to, in a list of what height: a person went anywhere else.
let put = 0;
let putHeight = 0;

function scrollTo(top) {
  scroll.scrollTop = top;
  put = scroll.scrollTop;
  putHeight = scroll.scrollHeight;
}

function toEnd() {
  scrollTo(scroll.scrollHeight);
  newer.hidden = true;
}

let followsEnd = true;
// The answer that came last, until the person moves: pictures may make it taller than the window.
let news = null;

/** Show what comes next: the person has just done something here. */
export function followEnd() {
  followsEnd = true;
  news = null;
  toEnd();
}

/** To the end, but never past the beginning of an answer that is taller than the window. */
function toNews() {
  scrollTo(scroll.scrollHeight);
  const above = news ? scroll.getBoundingClientRect().top - news.getBoundingClientRect().top : 0;
  followsEnd = above <= 0;
  if (followsEnd) newer.hidden = true;
  else scrollTo(scroll.scrollTop - above - 8);
}

scroll.addEventListener("scroll", () => {
  if (scroll.scrollTop === put) return;
  // The browser moves too, when pictures that were loaded push down what is looked at.
  if ((followsEnd || news) && scroll.scrollHeight !== putHeight) {
    toNews();
    return;
  }
  put = -1;
  news = null;
  followsEnd = isAtEnd();
  if (followsEnd) newer.hidden = true;
});
// Pictures grow the list after it was drawn.
const resized = new ResizeObserver(() => (followsEnd || news) && toNews());
resized.observe(list);
resized.observe(scroll);
for (const move of ["wheel", "touchmove", "keydown", "pointerdown"])
  scroll.addEventListener(move, () => {
    news = null;
  }, { passive: true });
newer.addEventListener("click", () => {
  followEnd();
  scroll.focus({ preventScroll: true });
});

function fillingOf(message) {
  const key = `${state.me}/${message.channel}/${message.ts}`;
  if (!fillings.has(key)) fillings.set(key, new Filling());
  return fillings.get(key);
}

function content(message, author) {
  const body = el("div", { class: "content", data: { gallery: "" } });
  if (message.blocks.length) {
    const blocks = el("div", { class: "blocks" });
    showBlocks(blocks, message.blocks, {
      kind: "message",
      address: { channel: message.channel, ts: message.ts },
      blocks: message.blocks,
      gone: message.gone,
      filling: fillingOf(message),
    });
    body.append(blocks);
  } else if (message.text) {
    body.append(el("div", { class: "text" }, ...mrkdwn(message.text),
      message.is_edited && el("span", { class: "edited" }, " (edited)")));
  }
  body.append(...files(message.files, author));
  return body;
}

function messageNode(message) {
  const author = person(message.author);
  const name = author?.name ?? "Somebody";
  const classes = ["message", author?.is_bot && "is-bot",
    message.is_ephemeral && "is-ephemeral", message.is_error && "is-error"];
  return el(
    "li",
    { class: classes.filter(Boolean).join(" "), tabindex: "-1",
      data: { ts: message.ts, author: message.author, scope: `message ${message.ts}` } },
    avatar(message.author),
    el("div", { class: "message-body" },
      message.is_ephemeral && el("p", { class: "private" }, icon("eye"), "Only visible to you"),
      el("p", { class: "byline" },
        el("strong", { class: "author" }, name),
        author?.is_bot && el("span", { class: "tag" }, "App"),
        el("time", { title: fullTimeOf(message.ts),
          datetime: new Date(Number(message.ts) * 1000).toISOString() }, timeOf(message.ts))),
      content(message, name)),
  );
}

function dayNode(date) {
  return el("li", { class: "day", role: "separator" }, el("span", {}, dayName(date)));
}

/** What stands for a message, so that a compact one and a new day are drawn right. */
function isTogether(message, before) {
  return before && !message.is_ephemeral && !before.is_ephemeral
    && before.author === message.author
    && Number(message.ts) - Number(before.ts) < TOGETHER_S;
}

function emptyNode(channel) {
  const name = channel?.kind === "im" ? "You have not talked to this app yet."
    : "Nothing here yet. Post a picture, or try a command.";
  return el("li", { class: "empty" }, el("img", { src: "/page/bot.svg", alt: "" }), el("p", {}, name));
}

export function drawMessages() {
  const channel = currentChannel();
  const place = `${state.me}/${state.place}`;
  const isNewPlace = place !== shownPlace;
  if (isNewPlace) {
    shown = new Map();
    followsEnd = true;
    newer.hidden = true;
  }
  shownPlace = place;
  const messages = channel ? messagesIn(channel.id) : [];
  const names = namesKey();
  const nodes = [];
  const after = new Map();
  let before = null;
  for (const message of messages) {
    const date = new Date(Number(message.ts) * 1000);
    const isNewDay = !before || dayKey(new Date(Number(before.ts) * 1000)) !== dayKey(date);
    if (isNewDay) {
      const key = `day ${dayKey(date)}`;
      const kept = shown.get(key) ?? { node: dayNode(date) };
      after.set(key, kept);
      nodes.push(kept.node);
    }
    const text = names + JSON.stringify(message);
    const old = shown.get(message.ts);
    const node = old?.text === text ? old.node : messageNode(message);
    node.classList.toggle("is-compact", !isNewDay && Boolean(isTogether(message, before)));
    after.set(message.ts, { text, node });
    nodes.push(node);
    before = message;
  }
  if (!messages.length && isLoaded()) nodes.push(emptyNode(channel));
  const known = shown;
  shown = after;
  const wasAtEnd = followsEnd;
  keepingFocus(() => arrange(list, nodes));
  // It was drawn anew: "Looking…" became a long answer, a name changed.
  if (news?.isConnected === false) news = shown.get(news.dataset.ts)?.node ?? null;
  tellOfNews(messages, isNewPlace);
  if (state.target) reveal();
  else if (wasAtEnd) {
    if (isNewPlace || !known.has(before?.ts)) news = nodes.at(-1);
    toNews();
  }
}

function tellOfNews(messages, isNewPlace) {
  const news = messages.filter((each) => Number(each.ts) > lastTs && each.author !== state.me);
  lastTs = Math.max(lastTs, ...messages.map((each) => Number(each.ts)));
  if (isNewPlace || !news.length) return;
  for (const each of news.slice(-3)) {
    const pictures = each.files.filter((file) => file.is_picture).length;
    announce([person(each.author)?.name, each.text && spoken(each.text),
      pictures && `${pictures} pictures`].filter(Boolean).join(": "));
  }
  if (!followsEnd) newer.hidden = false;
}

/** Scroll to the message that the address names, once. */
function reveal() {
  const node = list.querySelector(`[data-ts="${CSS.escape(state.target)}"]`);
  state.target = null;
  if (!node) return toEnd();
  news = null;
  followsEnd = false;
  node.scrollIntoView({ block: "center" });
  node.classList.remove("is-found");
  requestAnimationFrame(() => node.classList.add("is-found"));
}
