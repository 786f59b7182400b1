// Suggestions while a person types: commands, @people, #channels.
import { el, uniqueId } from "./dom.js";
import { avatar } from "./pictures.js";
import { humans, myChannels, state } from "./store.js";

const MOST = 8;

function commands(typed) {
  return state.feed.commands
    .filter((each) => each.name.startsWith(typed))
    .map((each) => ({
      text: `${each.name} `,
      row: [el("strong", {}, each.name), " ", el("span", { class: "usage" }, each.usage),
        el("small", {}, each.description)],
    }));
}

function people(typed) {
  const wanted = typed.toLowerCase();
  return humans()
    .filter((each) => each.handle.includes(wanted) || each.name.toLowerCase().includes(wanted))
    .map((each) => ({
      text: `@${each.handle} `,
      row: [avatar(each.id, "is-small"), el("strong", {}, each.name),
        el("span", { class: "usage" }, ` @${each.handle}`)],
    }));
}

function channels(typed) {
  return myChannels()
    .filter((each) => each.name.includes(typed.toLowerCase()))
    .map((each) => ({ text: `#${each.name} `, row: [el("strong", {}, `#${each.name}`)] }));
}

/** Add suggestions to a textarea; they show in the returned node. */
export function completing(area) {
  const box = el("div", { class: "completion", role: "listbox", id: uniqueId("completion"),
    "aria-label": "Suggestions", hidden: true });
  let found = [];
  let at = -1;
  let from = 0;

  function suggest() {
    const before = area.value.slice(0, area.selectionStart);
    const word = /(?:^|\s)([@#])([\w.-]*)$/.exec(before);
    const isCommand = /^\/\S*$/.test(before);
    from = isCommand ? 0 : word ? before.length - word[2].length - 1 : 0;
    if (isCommand) found = commands(before);
    else if (word) found = word[1] === "@" ? people(word[2]) : channels(word[2]);
    else found = [];
    found = found.slice(0, MOST);
    // What is typed in full needs no suggestion, and Enter shall send it.
    if (found.length === 1 && found[0].text.trim() === before.slice(from)) found = [];
    draw(isCommand && before.length > 1 ? -1 : 0);
  }

  function draw(first) {
    at = found.length ? first : -1;
    box.hidden = !found.length;
    box.replaceChildren(...found.map((each, index) =>
      el("div", { class: "completion-row", role: "option", id: `${box.id}-${index}`,
        onmousedown: (event) => {
          event.preventDefault();
          take(index);
        } }, ...each.row)));
    area.setAttribute("aria-expanded", String(!box.hidden));
    mark();
  }

  function mark() {
    [...box.children].forEach((row, index) => row.setAttribute("aria-selected", String(index === at)));
    if (at < 0) area.removeAttribute("aria-activedescendant");
    else area.setAttribute("aria-activedescendant", `${box.id}-${at}`);
    box.children[at]?.scrollIntoView({ block: "nearest" });
  }

  function take(index) {
    area.setRangeText(found[index].text, from, area.selectionStart, "end");
    found = [];
    draw(-1);
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function hide() {
    found = [];
    draw(-1);
  }

  area.setAttribute("role", "combobox");
  area.setAttribute("aria-autocomplete", "list");
  area.setAttribute("aria-controls", box.id);
  area.setAttribute("aria-expanded", "false");
  area.addEventListener("input", suggest);
  area.addEventListener("blur", hide);
  area.addEventListener("keydown", (event) => {
    if (box.hidden || event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      at = (at + step + found.length) % found.length;
      mark();
    } else if (event.key === "Tab" || (event.key === "Enter" && at >= 0)) take(Math.max(at, 0));
    else if (event.key === "Escape") hide();
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  });
  return box;
}
