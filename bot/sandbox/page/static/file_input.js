// The file_input of a modal: chosen files are uploaded at once, and given on submission.
import { fileUrl, Refused, upload } from "./api.js";
import { el, icon, uniqueId } from "./dom.js";
import { named } from "./elements.js";
import { state } from "./store.js";

const MOST_FILES = 10;
const known = new Map();

function isAllowed(file, filetypes) {
  if (!filetypes?.length) return true;
  const ending = file.name.includes(".") ? file.name.split(".").at(-1).toLowerCase() : "";
  const same = { jpeg: "jpg", tif: "tiff", heif: "heic" };
  const short = (each) => same[each] ?? each;
  return filetypes.map((each) => short(each.toLowerCase())).includes(short(ending));
}

export function fileInput(element, spot) {
  const most = element.max_files ?? MOST_FILES;
  const ids = () => spot.surface.filling.get(spot.blockId, element.action_id) ?? [];
  const keep = (list) => {
    spot.surface.filling.set(spot.blockId, element.action_id, list);
    draw();
  };
  const id = uniqueId("file");
  const list = el("ul", { class: "chosen-files", "aria-label": "Chosen files" });
  const problem = el("p", { class: "problem", role: "alert", hidden: true });
  const input = el("input", {
    type: "file",
    id,
    class: "unseen-input",
    multiple: most > 1,
    accept: element.filetypes?.map((each) => `.${each}`).join(",") || null,
    ...named(spot, element, "Choose files"),
    onchange: async () => {
      const files = [...input.files];
      input.value = "";
      await fill(files);
    },
  });
  const drop = el("label", { class: "drop-zone", for: id }, icon("picture"),
    el("span", {}, el("strong", {}, most > 1 ? "Choose files" : "Choose a file"), " or drop ",
      most > 1 ? "them" : "it", " here"));
  const box = el("div", { class: "file-input" }, input, drop, list, problem);

  function tell(text) {
    problem.textContent = text;
    problem.hidden = !text;
  }

  function fill(files) {
    const arrival = take(files);
    spot.surface.filling.await(arrival);
    return arrival;
  }

  async function take(files) {
    tell("");
    const good = files.filter((file) => isAllowed(file, element.filetypes));
    if (good.length < files.length) {
      const kinds = element.filetypes.join(", ");
      tell(`Only these kinds of file fit here: ${kinds}.`);
    }
    drop.setAttribute("aria-busy", "true");
    try {
      for (const file of good) {
        const stored = await upload(state.me, file);
        known.set(stored.id, { name: stored.name, isPicture: "thumb_64" in stored });
        // One more than fits takes the place of what was there.
        keep([...ids(), stored.id].slice(-most));
      }
    } catch (error) {
      tell(error instanceof Refused ? error.message : "The upload failed; try again.");
    } finally {
      drop.removeAttribute("aria-busy");
    }
  }

  function draw() {
    list.replaceChildren(...ids().map((fileId) => {
      const file = known.get(fileId) ?? { name: fileId };
      return el("li", { data: { file: fileId } },
        file.isPicture
          ? el("img", { src: fileUrl(state.me, fileId, { sidePx: 160 }), alt: "" })
          : icon("file"),
        el("span", {}, file.name),
        el("button", { type: "button", class: "icon-button", "aria-label": `Remove ${file.name}`,
          onclick: () => {
            keep(ids().filter((each) => each !== fileId));
            input.focus();
          } }, icon("close")));
    }));
    drop.classList.toggle("is-full", ids().length >= most);
  }

  for (const kind of ["dragenter", "dragover"])
    box.addEventListener(kind, (event) => {
      event.preventDefault();
      event.stopPropagation();
      drop.classList.add("is-over");
    });
  box.addEventListener("dragleave", () => drop.classList.remove("is-over"));
  box.addEventListener("drop", (event) => {
    event.preventDefault();
    event.stopPropagation();
    drop.classList.remove("is-over");
    fill([...event.dataTransfer.files]);
  });
  draw();
  return box;
}
