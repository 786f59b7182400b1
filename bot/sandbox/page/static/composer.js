// Where a person writes: text, pictures, commands.
import { post, Refused, upload } from "./api.js";
import { completing } from "./completion.js";
import { el, icon } from "./dom.js";
import { followEnd } from "./messages.js";
import { APP, currentChannel, goTo, isLoaded, state } from "./store.js";

const form = document.getElementById("composer");
const dropHint = document.getElementById("drop-hint");
const main = document.getElementById("main");
const TALLEST_PX = 180;

const attached = new Map();
const problem = el("p", { class: "problem", role: "alert", hidden: true });
const previews = el("ul", { class: "previews", "aria-label": "Pictures to send", hidden: true });
const area = el("textarea", { rows: "1", id: "write", "aria-label": "Message" });
const chooser = el("input", { type: "file", multiple: true, class: "unseen-input", id: "attach",
  "aria-label": "Add pictures" });
const send = el("button", { type: "submit", class: "icon-button is-send", "aria-label": "Send" },
  icon("send"));

form.append(
  problem,
  previews,
  el("div", { class: "write-row" },
    chooser,
    el("label", { class: "icon-button", for: "attach", title: "Add pictures" }, icon("picture")),
    area,
    send),
);
form.prepend(completing(area));
const readOnly = el("p", { class: "read-only", hidden: true });
form.after(readOnly);

function key() {
  return `${state.me}/${state.place}`;
}

function filesHere() {
  return attached.get(key()) ?? [];
}

function tell(text) {
  problem.textContent = text;
  problem.hidden = !text;
}

function grow() {
  area.style.height = "auto";
  area.style.height = `${Math.min(area.scrollHeight, TALLEST_PX)}px`;
}

function attach(files) {
  if (!files.length) return;
  attached.set(key(), [
    ...filesHere(),
    ...files.map((file) => ({ file, url: URL.createObjectURL(file) })),
  ]);
  tell("");
  drawPreviews();
  area.focus();
}

function detach(entry) {
  URL.revokeObjectURL(entry.url);
  attached.set(key(), filesHere().filter((each) => each !== entry));
  drawPreviews();
  area.focus();
}

const SHOWN = ["image/jpeg", "image/png", "image/gif", "image/webp"];

function preview({ file, url }) {
  const tile = el("span", { class: "file-kind" }, file.name.split(".").at(-1));
  if (!SHOWN.includes(file.type)) return tile;
  // It is sent as it is, even if nobody can look at it.
  const image = el("img", { src: url, alt: file.name, onerror: () => image.replaceWith(tile) });
  return image;
}

function drawPreviews() {
  const here = filesHere();
  previews.hidden = !here.length;
  previews.replaceChildren(...here.map((entry) =>
    el("li", {},
      preview(entry),
      el("button", { type: "button", class: "icon-button", "aria-label": `Remove ${entry.file.name}`,
        onclick: () => detach(entry) }, icon("close")))));
}

let drawnFor = null;

/** Show the draft of the place that is looked at. */
export function drawComposer() {
  const channel = currentChannel();
  const name = state.place === APP ? state.feed.bot_name : channel ? `#${channel.name}` : "";
  const label = `Message ${name}`.trim();
  area.setAttribute("aria-label", label);
  area.placeholder = channel?.is_archived ? "This channel is archived" : label;
  const isReadOnly = state.place === APP && state.feed.is_bot_read_only;
  // While another person's view is on its way, what is typed is kept.
  area.disabled = isLoaded() && (!channel || channel.is_archived || isReadOnly);
  send.disabled = area.disabled;
  chooser.disabled = area.disabled;
  form.hidden = isReadOnly;
  readOnly.hidden = !isReadOnly;
  readOnly.textContent = `${state.feed.bot_name} takes no messages here. Use its buttons, `
    + "or its commands in a channel.";
  if (drawnFor === key()) return;
  drawnFor = key();
  area.value = state.drafts.get(key()) ?? "";
  tell("");
  grow();
  drawPreviews();
}

area.addEventListener("input", () => {
  state.drafts.set(key(), area.value);
  tell("");
  grow();
});

area.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit();
});

area.addEventListener("paste", (event) => {
  const files = [...event.clipboardData.files];
  if (!files.length) return;
  event.preventDefault();
  attach(files);
});

chooser.addEventListener("change", () => {
  const files = [...chooser.files];
  chooser.value = "";
  attach(files);
});

async function deliver(channel, text, entries) {
  const [command] = text.trim().split(/\s/, 1);
  if (command.startsWith("/") && !entries.length) {
    if (!state.feed.commands.some((each) => each.name === command)) {
      const names = state.feed.commands.map((each) => each.name).join(", ");
      throw new Refused(`${command} is not a valid command. This workspace knows ${names}.`);
    }
    const rest = text.trim().slice(command.length).trim();
    await post("commands", { person: state.me, channel: channel.id, command, text: rest });
    return;
  }
  const stored = [];
  for (const { file } of entries) stored.push(await upload(state.me, file));
  await post("messages", { person: state.me, channel: channel.id, text: text.trim(),
    files: stored.map((each) => each.id) });
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const channel = currentChannel();
  const [place, text, entries] = [key(), area.value, filesHere()];
  if (!channel || send.getAttribute("aria-busy") === "true" || (!text.trim() && !entries.length))
    return;
  if (state.place === APP && state.tab !== "messages") goTo(APP);
  send.setAttribute("aria-busy", "true");
  followEnd();
  try {
    await deliver(channel, text, entries);
    state.drafts.delete(place);
    attached.delete(place);
    if (place === key()) {
      area.value = "";
      grow();
      drawPreviews();
    }
  } catch (error) {
    tell(error instanceof Refused ? error.message : "The workspace does not answer. Try again.");
  } finally {
    send.removeAttribute("aria-busy");
  }
});

let depth = 0;

function hint(isOn) {
  const channel = currentChannel();
  dropHint.hidden = !isOn;
  dropHint.replaceChildren(el("p", {}, icon("picture"),
    `Drop pictures to post them in ${channel?.kind === "im" ? "this conversation" : `#${channel?.name}`}`));
}

main.addEventListener("dragenter", (event) => {
  if (!event.dataTransfer?.types.includes("Files") || area.disabled) return;
  event.preventDefault();
  depth += 1;
  hint(true);
});
main.addEventListener("dragover", (event) => event.preventDefault());
main.addEventListener("dragleave", () => {
  depth = Math.max(0, depth - 1);
  if (!depth) hint(false);
});
main.addEventListener("drop", (event) => {
  event.preventDefault();
  depth = 0;
  hint(false);
  if (!area.disabled) attach([...(event.dataTransfer?.files ?? [])]);
});
