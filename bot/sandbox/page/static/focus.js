// Where the keyboard is. Whatever had the focus and is drawn anew, or taken away, hands it on to
// what stands in its place, so that nobody is thrown back to the top of the page.

/**
 * Remember what has the focus.
 * Elements of Block Kit go by block_id and action_id, the page's own by `data-keep`.
 */
export function bookmark() {
  const node = document.activeElement;
  const spot = node?.closest?.("[data-action-id]");
  const scope = node?.closest?.("[data-scope]");
  const blocks = blocksOf(scope);
  return {
    node,
    keep: node?.closest?.("[data-keep]")?.dataset.keep,
    scope: scope?.dataset.scope,
    blockAt: blocks.indexOf(node?.closest?.(".block")),
    shape: shapeOf(blocks),
    actionId: spot?.dataset.actionId,
    blockId: spot?.dataset.blockId,
  };
}

function blocksOf(scope) {
  return [...(scope?.querySelectorAll(".block") ?? [])];
}

/** How many elements each block has. */
function shapeOf(blocks) {
  return String(blocks.map((each) => each.querySelectorAll("[data-action-id]").length));
}

function isLost() {
  const now = document.activeElement;
  return !now || now === document.body || !now.isConnected;
}

/** Focus the first that takes it; those that are hidden, disabled or below a dialog don't. */
function focusFirst(nodes) {
  return nodes.some((node) => {
    node?.focus?.({ preventScroll: true });
    return Boolean(node) && document.activeElement === node;
  });
}

function controlOf(node) {
  const controls = "button, a[href], input, select, textarea";
  return node?.matches(controls) ? node : node?.querySelector(controls);
}

/** What stands where the bookmark was: the same element, or else one in its block or its place. */
function successors(scope, { actionId, blockId, blockAt, shape }) {
  if (!scope || !actionId) return [];
  const blocks = blocksOf(scope);
  const all = [...scope.querySelectorAll("[data-action-id]")];
  const same = all.filter((each) => each.dataset.actionId === actionId);
  return [
    same.find((each) => each.dataset.blockId === blockId),
    same.length === 1 ? same[0] : null,
    all.find((each) => each.dataset.blockId === blockId),
    // "Turn on" became "Turn off": nothing moved.
    shapeOf(blocks) === shape ? blocks[blockAt]?.querySelector("[data-action-id]") : null,
  ].map(controlOf);
}

/** A message, a modal's heading, the Home tab: where one reads on if an element is gone. */
function anchorOf(scope) {
  return scope?.querySelector("[data-anchor]") ?? scope;
}

/** Give the focus back to what a bookmark remembers, unless something else took it meanwhile. */
export function goBack(mark) {
  if (!isLost()) return;
  const named = (kind, name) => name && document.querySelector(`[data-${kind}="${CSS.escape(name)}"]`);
  const scope = named("scope", mark?.scope);
  const dialog = [...document.querySelectorAll("dialog[open]")].at(-1);
  focusFirst([
    mark?.node?.isConnected && mark.node !== document.body ? mark.node : null,
    named("keep", mark?.keep),
    ...successors(scope, mark ?? {}),
    anchorOf(scope),
    anchorOf(dialog),
    document.getElementById("write"),
    document.getElementById("scroll"),
    document.getElementById("home"),
  ]);
}

/** Change the page; what had the focus has it afterwards, or what came in its place. */
export function keepingFocus(change) {
  const mark = bookmark();
  change();
  if (mark.node && mark.node !== document.body) goBack(mark);
}

/** Show a dialog until it is closed; the focus goes back to where it was. */
export function showDialog(box, closed) {
  const mark = bookmark();
  box.addEventListener("close", () => {
    box.remove();
    goBack(mark);
    closed?.();
  });
  document.body.append(box);
  box.showModal();
}
