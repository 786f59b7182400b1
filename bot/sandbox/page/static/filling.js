// What a person has put into the elements of a message or view, and using them.
import { post, Refused } from "./api.js";
import { confirmed } from "./confirm.js";
import { toast } from "./dom.js";
import { person, state } from "./store.js";

const OUTCOME_S = 5;

/** Values by block_id and action_id. "" and [] are elements that were emptied. */
export class Filling {
  #values = new Map();
  #arriving = new Set();

  constructor(entries = []) {
    for (const { block_id: block, action_id: action, value } of entries) this.set(block, action, value);
  }

  get(blockId, actionId) {
    return this.#values.get(blockId)?.get(actionId);
  }

  set(blockId, actionId, value) {
    if (!this.#values.has(blockId)) this.#values.set(blockId, new Map());
    this.#values.get(blockId).set(actionId, value);
  }

  /** Something that will be set once it is there: an upload. It may not fail. */
  await(arrival) {
    this.#arriving.add(arrival);
    arrival.finally(() => this.#arriving.delete(arrival));
  }

  /** Until all of it has arrived: a quick hand sends before a file is there. */
  async arrived() {
    while (this.#arriving.size) await Promise.all(this.#arriving);
  }

  /** As the workspace takes it: block_id → action_id → value. */
  all(blocks) {
    const present = new Set(blocks.map((block) => block.block_id));
    return Object.fromEntries(
      [...this.#values]
        .filter(([blockId]) => present.has(blockId))
        .map(([blockId, inner]) => [blockId, Object.fromEntries(inner)]),
    );
  }
}

/**
 * A place with elements.
 * @typedef {object} Surface
 * @property {"message"|"modal"|"home"} kind
 * @property {object} address  `channel` and `ts`, or `view_id`
 * @property {object[]} blocks
 * @property {string[]} gone  ids of files in the blocks that were deleted
 * @property {Filling} filling
 */

/** Use an element; `control` shows that the bot is being told. */
export async function use(surface, { blockId, element, value, control }) {
  // A second press is one too many; a second choice counts.
  if (element.type === "button" && control?.getAttribute("aria-busy") === "true") return;
  if (element.confirm && !(await confirmed(element.confirm))) return;
  control?.setAttribute("aria-busy", "true");
  try {
    const { outcome } = await post("clicks", {
      person: state.me,
      ...surface.address,
      action_id: element.action_id,
      block_id: blockId,
      value: value ?? null,
      filled: surface.filling.all(surface.blocks),
      outcome_s: OUTCOME_S,
    });
    if (outcome?.error) toast(`${botName()} did not answer: ${outcome.error}`);
  } catch (error) {
    toast(error instanceof Refused ? error.message : "The workspace does not answer.");
  } finally {
    control?.removeAttribute("aria-busy");
  }
}

export function botName() {
  return person(state.feed?.bot_user_id)?.name ?? "The bot";
}
