"""What becomes of a modal that a person submits or closes."""

from __future__ import annotations

from dataclasses import replace

from bot.sandbox.methods_views import checked_content, push, replaced
from bot.sandbox.model import FileId, Json, View
from bot.sandbox.render import file_json
from bot.sandbox.state import Workspace


def close(ws: Workspace, view: View) -> None:
    """Take a modal off its person's screen; the one below shows again."""
    with ws.change():
        ws.modals[view.person] = [v for v in ws.modals[view.person] if v.id != view.id]
        ws.filled.pop(view.id, None)


def apply_response(ws: Workspace, view: View, response: Json) -> None:
    """Do what the acknowledgement of a submission says; an empty one closes the modal.

    Raises ApiError for a view that Slack would refuse.
    """
    match response.get("response_action"):
        case "errors":
            marked = replace(view, errors=dict(response.get("errors", {})))
            with ws.change():
                stack = ws.modals[view.person]
                ws.modals[view.person] = [marked if v.id == view.id else v for v in stack]
        case "update":
            replaced(ws, view, checked_content(ws, response.get("view"), kind="modal"))
        case "push":
            push(ws, view.person, checked_content(ws, response.get("view"), kind="modal"))
        case "clear":
            with ws.change():
                ws.modals[view.person] = []
        case _:
            close(ws, view)


def give_files(ws: Workspace, state: Json) -> None:
    """Put file objects where a view's state names files, and let the bot have them.

    Raises Missing for a file that does not exist.
    """
    for chosen in (each for block in state.values() for each in block.values()):
        if chosen["type"] != "file_input":
            continue
        ids = [FileId(file_id) for file_id in chosen["files"] or ()]
        with ws.change():
            for file_id in ids:
                ws.files[file_id] = replace(ws.file(file_id), is_given=True)
            chosen["files"] = [file_json(ws, ws.files[file_id]) for file_id in ids]
