"""A copy of a delivery is answered as the first was, and no listener sees it."""

import threading
from typing import Any

from slack_bolt import Ack, BoltContext, BoltRequest, BoltResponse

from bot.deliveries import ACK_TIMEOUT_S, TakenOnce

EVENT = {"event_id": "Ev1", "event": {"type": "file_shared"}}
FORM = {"type": "view_submission", "trigger_id": "1.4", "view": {"id": "V1", "hash": "h"}}


class Desk:
    """Where deliveries arrive; counts what goes on to a listener."""

    def __init__(self, **limits: Any) -> None:
        self.now_s = 0.0
        self.taken = TakenOnce(clock=lambda: self.now_s, **limits)
        self.passed = 0

    def comes(self, body: dict[str, Any]) -> tuple[BoltResponse, Ack]:
        """One delivery: its answer, and what a listener would acknowledge with."""
        request = BoltRequest(body=body, mode="socket_mode", context=BoltContext())

        def next_() -> BoltResponse:
            self.passed += 1
            return BoltResponse(status=404)

        return self.taken(request, next_), request.context.ack


def test_an_event_goes_on_once_and_its_copies_are_acknowledged_at_once() -> None:
    desk = Desk()
    answers = [desk.comes(EVENT)[0].status for _ in range(4)]
    assert (desk.passed, answers[1:]) == (1, [200, 200, 200])


def test_an_event_whose_listener_failed_may_come_again() -> None:
    desk = Desk()
    desk.comes(EVENT)
    desk.taken.forget(EVENT)
    desk.comes(EVENT)
    assert desk.passed == 2


def test_a_form_that_was_kept_open_by_an_error_is_kept_open_by_the_copy_too() -> None:
    desk = Desk()
    _, ack = desk.comes(FORM)
    ack(response_action="errors", errors={"picture": "choose another"})
    answer, _ = desk.comes(FORM)
    assert desk.passed == 1
    assert "choose another" in answer.body


def test_a_copy_that_overtakes_the_acknowledgement_waits_for_it() -> None:
    desk = Desk()
    _, ack = desk.comes(FORM)
    timer = threading.Timer(0.05, lambda: ack("later"))
    timer.start()
    answer, _ = desk.comes(FORM)
    timer.join()
    assert (desk.passed, "later" in answer.body) == (1, True)


def test_what_was_never_acknowledged_is_tried_again() -> None:
    desk = Desk()
    desk.comes(FORM)
    desk.now_s = ACK_TIMEOUT_S + 1
    desk.comes(FORM)
    assert desk.passed == 2


def test_the_memory_is_bounded_in_time_and_number() -> None:
    desk = Desk(life_s=10.0, most=3)
    for number in range(9):
        desk.comes({"event_id": f"Ev{number}"})
    assert len(desk.taken._taken) <= 4
    desk.now_s = 11.0
    desk.comes({"event_id": "Ev8"})
    assert (desk.passed, len(desk.taken._taken)) == (10, 1)
