// What the page knows: the feed of the acting person, and where that person looks.

export const APP = "app";

export const state = {
  feed: null,
  me: null,
  /** A channel's id, or APP for the conversation with the bot. */
  place: null,
  /** "messages" or "home"; only APP has a home. */
  tab: "messages",
  /** A message to show, by its ts. */
  target: null,
  isOnline: true,
  drafts: new Map(),
};

const startedAtS = Date.now() / 1000;
const seen = new Map();
const listeners = [];

/** Call `listener` after every change. */
export function onChange(listener) {
  listeners.push(listener);
}

export function changed() {
  for (const listener of listeners) listener();
}

/** Keep nothing of what the person saw who was acting before. */
export function forgetPerson() {
  Object.assign(state.feed, { person: null, channels: [], messages: [], modals: [], home: null });
}

/** Whether there is something to show: the feed of another person may still be on its way. */
export function isLoaded() {
  return Boolean(state.me) && state.feed?.person === state.me;
}

export function person(id) {
  return state.feed?.people.find((each) => each.id === id);
}

export function channel(id) {
  return state.feed?.channels?.find((each) => each.id === id);
}

export function humans() {
  return (state.feed?.people ?? []).filter((each) => !each.is_bot && !each.is_deleted);
}

export function myChannels() {
  return (state.feed?.channels ?? []).filter((each) => each.is_member && each.kind !== "im");
}

/** The conversation between the acting person and the bot, if it was opened. */
export function directChannel() {
  return state.feed?.channels?.find((each) => each.kind === "im" && each.is_member);
}

/** The channel that is looked at now. */
export function currentChannel() {
  return state.place === APP ? directChannel() : channel(state.place);
}

export function messagesIn(channelId) {
  return (state.feed?.messages ?? []).filter((each) => each.channel === channelId);
}

/** What names depend on: a message is drawn anew when one of them changes. */
export function namesKey() {
  return JSON.stringify([
    state.me,
    state.feed?.people.map((each) => [each.id, each.name, each.avatar, each.tz]),
    state.feed?.channels?.map((each) => [each.id, each.name]),
  ]);
}

export function markSeen(channelId) {
  const last = messagesIn(channelId).at(-1);
  if (last) seen.set(`${state.me}/${channelId}`, Number(last.ts));
}

export function unreadCount(channelId) {
  const since = seen.get(`${state.me}/${channelId}`) ?? startedAtS;
  return messagesIn(channelId).filter(
    (each) => Number(each.ts) > since && each.author !== state.me,
  ).length;
}

/** Where the address bar says to be: #/PERSON/PLACE[/home or a message's ts]. */
export function readAddress() {
  const [, who, place, rest] = location.hash.split("/").map(decodeURIComponent);
  return { who: who === "-" ? undefined : who, place, rest };
}

export function addressOf(who, place, rest) {
  return `#/${[who, place, rest].filter(Boolean).map(encodeURIComponent).join("/")}`;
}

/** Go somewhere as the acting person. */
export function goTo(place, rest) {
  location.hash = addressOf(state.me, place, rest);
}
