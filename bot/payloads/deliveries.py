"""What tells one thing that Slack delivers from all others, and a copy of it from a new one."""

from dataclasses import dataclass

from bot.payloads.objects import Json

# The app's own end is heard of also when nothing else is.
ENDS = frozenset({"app_uninstalled", "tokens_revoked"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A request of Slack's: `key` is the same for each copy, None where copies can't be told."""

    key: str | None
    is_event: bool
    is_an_end: bool
    response_url: str

    @classmethod
    def from_body(cls, body: Json) -> "Delivery":
        """Of an event, a command, a click or a submission.

        A trigger_id is given out once for each time that a person does something; one view may be
        submitted several times as it is, after an error.
        """
        if event_id := body.get("event_id"):
            kind = (body.get("event") or {}).get("type")
            return cls(key=event_id, is_event=True, is_an_end=kind in ENDS, response_url="")
        trigger_id = body.get("trigger_id")
        view = body.get("view") or {}
        times = [str(action.get("action_ts")) for action in body.get("actions") or ()]
        parts = [trigger_id, body.get("type"), view.get("id"), view.get("hash"), *times]
        return cls(
            key="/".join(str(part) for part in parts if part) if trigger_id else None,
            is_event=False,
            is_an_end=False,
            response_url=body.get("response_url") or "",
        )
