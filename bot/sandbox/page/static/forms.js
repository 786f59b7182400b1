// Small dialogs that furnish the workspace: people, pictures, channels.
import { base64, post } from "./api.js";
import { el, uniqueId } from "./dom.js";
import { showDialog } from "./focus.js";
import { goTo, humans, person, state, addressOf } from "./store.js";

/** Ask in a dialog; `send` gets the form and may raise. */
function ask({ title, rows, action, send }) {
  const titleId = uniqueId("title");
  const problem = el("p", { class: "problem", role: "alert", hidden: true });
  const form = el("form", {
    novalidate: true,
    onsubmit: async (event) => {
      event.preventDefault();
      problem.hidden = true;
      const wrong = showProblems(form);
      if (wrong) {
        wrong.focus();
        return;
      }
      try {
        await send(form);
        box.close();
      } catch (error) {
        problem.textContent = error.message;
        problem.hidden = false;
      }
    },
  },
  el("h2", { id: titleId }, title),
  ...rows,
  problem,
  el("div", { class: "box-buttons" },
    el("button", { type: "button", class: "button", onclick: () => box.close() }, "Cancel"),
    el("button", { type: "submit", class: "button is-primary" }, action)));
  const box = el("dialog", { class: "box", "aria-labelledby": titleId }, form);
  showDialog(box);
  form.querySelector("input")?.focus();
}

function field(label, props) {
  const id = uniqueId("field");
  const problemId = uniqueId("problem");
  const { hint, ...rest } = props;
  return el("div", { class: "row" }, el("label", { class: "label", for: id }, label),
    el("input", { id, class: "field", "aria-describedby": problemId, ...rest,
      data: { hint: hint ?? "" } }),
    el("p", { class: "problem", id: problemId, role: "alert", hidden: true }));
}

/** Say below each field what is wrong with it; gives the first of them. */
function showProblems(form) {
  const fields = [...form.querySelectorAll(".field")];
  for (const each of fields) {
    if (each.type !== "file") each.value = each.value.trim();
    const { valueMissing, valid } = each.validity;
    const text = valid ? "" : valueMissing ? "Please fill this in."
      : each.dataset.hint || each.validationMessage;
    const place = document.getElementById(each.getAttribute("aria-describedby"));
    place.textContent = text;
    place.hidden = !text;
    if (text) each.setAttribute("aria-invalid", "true");
    else each.removeAttribute("aria-invalid");
  }
  return fields.find((each) => !each.validity.valid);
}

function tick(label, props) {
  return el("label", { class: "choice" }, el("input", { type: "checkbox", ...props }),
    el("span", {}, label));
}

function ticks(legend, entries) {
  return entries.length > 0
    && el("fieldset", { class: "ticks" }, el("legend", { class: "label" }, legend), ...entries);
}

async function pictureOf(form) {
  const [file] = form.elements.picture.files;
  return file ? base64(file) : null;
}

const PICTURE = { name: "picture", type: "file", accept: "image/*" };

export function addPerson() {
  const channels = (state.feed.channels ?? []).filter((each) => each.kind === "public_channel");
  ask({
    title: "Add a person",
    action: "Add",
    rows: [
      field("Name", { name: "name", required: true, autocomplete: "off" }),
      field("Profile picture (one clear face)", PICTURE),
      tick("Is an admin of the workspace", { name: "admin" }),
      ticks("In these channels", channels.map((each) =>
        tick(`#${each.name}`, { name: "channels", value: each.id, checked: true }))),
    ].filter(Boolean),
    send: async (form) => {
      const { person: added } = await post("people", {
        name: form.elements.name.value.trim(),
        picture: await pictureOf(form),
        admin: form.elements.admin.checked,
        tz: Intl.DateTimeFormat().resolvedOptions().timeZone,
        channels: [...form.querySelectorAll("[name=channels]:checked")].map((each) => each.value),
      });
      location.hash = addressOf(added.id, state.place);
    },
  });
}

export function changePicture() {
  ask({
    title: `A picture of ${person(state.me).name}`,
    action: "Use it",
    rows: [
      field("Profile picture (one clear face)", PICTURE),
      el("p", { class: "hint" }, "Without a file, the picture is taken away."),
    ],
    send: async (form) =>
      post("pictures", { person: state.me, picture: await pictureOf(form) }),
  });
}

export function addChannel() {
  const others = humans().filter((each) => each.id !== state.me);
  ask({
    title: "Add a channel",
    action: "Create",
    rows: [
      field("Name", { name: "name", required: true, pattern: "[a-z0-9_\\-]+", autocomplete: "off",
        hint: "Use only small letters, digits, - and _, as in offsite-2026.", maxlength: "80",
        placeholder: "offsite-2026" }),
      tick("Private", { name: "private" }),
      tick(`Invite ${state.feed.bot_name}`, { name: "invite", checked: true }),
      ticks("Who else is in it", others.map((each) =>
        tick(each.name, { name: "members", value: each.id, checked: true }))),
    ].filter(Boolean),
    send: async (form) => {
      const members = [...form.querySelectorAll("[name=members]:checked")].map((each) => each.value);
      const { channel } = await post("channels", {
        name: form.elements.name.value.trim(),
        private: form.elements.private.checked,
        members: [state.me, ...members],
        invite_bot: form.elements.invite.checked,
      });
      goTo(channel.id);
    },
  });
}
