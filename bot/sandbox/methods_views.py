"""views.*: modals and Home tabs."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.views import View as SdkView

from bot.sandbox.block_checks import view_problems, with_ids
from bot.sandbox.calls import ApiError, Call, may_show
from bot.sandbox.model import Json, PersonId, View, ViewId
from bot.sandbox.render import view_json
from bot.sandbox.state import Workspace

STACK_MAX = 3


def checked_content(ws: Workspace, content: object, *, kind: str) -> Json:
    """A view as Slack keeps it. Raises ApiError `invalid_arguments` with the problems."""
    if not isinstance(content, dict) or content.get("type") != kind:
        raise _invalid([f"[ERROR] invalid view: expected type {kind} [json-pointer:/view]"])
    problems = view_problems(content, may_show=lambda file: may_show(ws, file))
    if problems:
        raise _invalid(problems)
    checked = content | {"blocks": list(with_ids(content["blocks"], lambda: ws.new_id("")[-5:]))}
    try:
        SdkView(**checked).validate_json()
    except (SlackObjectFormationError, TypeError) as e:
        raise _invalid([f"[ERROR] {e} [json-pointer:/view]"]) from e
    return checked


def _invalid(messages: list[str]) -> ApiError:
    return ApiError("invalid_arguments", response_metadata={"messages": messages})


def _hash(content: Json, ts: str) -> str:
    return f"{ts}.{hashlib.sha256(json.dumps(content).encode()).hexdigest()[:8]}"


def new_view(ws: Workspace, person: PersonId, content: Json, *, below: View | None = None) -> View:
    """Make a view for a person, on top of another if there is one."""
    view_id = ViewId(ws.new_id("V"))
    return View(
        id=view_id,
        person=person,
        content=content,
        hash=_hash(content, ws.new_ts()),
        root_id=below.root_id if below else view_id,
        previous_id=below.id if below else None,
    )


def replaced(ws: Workspace, view: View, content: Json) -> View:
    """Give a view new content, in the state too."""
    with ws.change():
        after = replace(view, content=content, hash=_hash(content, ws.new_ts()), errors=None)
        if view.content.get("type") == "home":
            ws.homes[view.person] = after
        else:
            stack = ws.modals[view.person]
            ws.modals[view.person] = [after if each.id == view.id else each for each in stack]
        return after


def _exchanged(call: Call) -> tuple[PersonId, ViewId | None]:
    ws = call.ws
    trigger = ws.triggers.get(call.text("trigger_id"))
    if trigger is None:
        raise ApiError("invalid_trigger_id")
    if trigger.is_used:
        raise ApiError("exchanged_trigger_id")
    if ws.clock() - trigger.issued_s > ws.times.trigger_life_s:
        raise ApiError("expired_trigger_id")
    trigger.is_used = True
    return trigger.person, trigger.view


def views_open(call: Call) -> Json:
    """Open a modal for the person whose trigger_id this is."""
    ws = call.ws
    content = checked_content(ws, call.json("view"), kind="modal")
    with ws.change():
        person, _ = _exchanged(call)
        view = new_view(ws, person, content)
        ws.modals[person] = [view]
    return {"view": view_json(ws, view)}


def views_push(call: Call) -> Json:
    """Put a modal on top of the one that the trigger_id came from; three at most."""
    ws = call.ws
    content = checked_content(ws, call.json("view"), kind="modal")
    with ws.change():
        person, _ = _exchanged(call)
        view = push(ws, person, content)
    return {"view": view_json(ws, view)}


def push(ws: Workspace, person: PersonId, content: Json) -> View:
    """Put a modal on top of a person's modals. Raises ApiError."""
    with ws.change():
        stack = ws.modals[person]
        if not stack:
            raise ApiError("not_found")
        if len(stack) >= STACK_MAX:
            raise ApiError("push_limit_reached")
        view = new_view(ws, person, content, below=stack[-1])
        stack.append(view)
        return view


def views_update(call: Call) -> Json:
    """Replace the content of a view, by `view_id` or `external_id`, guarded by `hash` if given."""
    ws = call.ws
    view_id, external_id = call.optional("view_id"), call.optional("external_id")
    with ws.change():
        stacks = [view for stack in ws.modals.values() for view in stack] + [*ws.homes.values()]
        view = next(
            (v for v in stacks if v.id == view_id)
            if view_id
            else (v for v in stacks if external_id and v.content.get("external_id") == external_id),
            None,
        )
        if view is None:
            raise ApiError("not_found")
        if call.optional("hash") not in {"", view.hash}:
            raise ApiError("hash_conflict")
        content = checked_content(ws, call.json("view"), kind=str(view.content["type"]))
        return {"view": view_json(ws, replaced(ws, view, content))}


def views_publish(call: Call) -> Json:
    """Set a person's Home tab."""
    ws, person = call.ws, call.person("user_id")
    content = checked_content(ws, call.json("view"), kind="home")
    with ws.change():
        before = ws.homes.get(person.id)
        if before and call.optional("hash") not in {"", before.hash}:
            raise ApiError("hash_conflict")
        view = replaced(ws, before, content) if before else new_view(ws, person.id, content)
        ws.homes[person.id] = view
    return {"view": view_json(ws, view)}
