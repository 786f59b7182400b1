"""What belongs to one request is known by one id, in whatever thread it goes on."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipeline.requests import RequestThreads, application_name, carried, request, request_id


def test_outside_of_a_request_there_is_no_id() -> None:
    with request():
        pass
    assert (request_id(), application_name()) == (None, "findme")


def test_each_request_has_an_id_of_its_own() -> None:
    ids = set()
    for _ in range(100):
        with request() as its_id:
            assert request_id() == its_id
            assert application_name() == f"findme {its_id}"
            ids.add(its_id)
    assert len(ids) == 100


def test_a_job_goes_on_with_the_id_that_enqueued_it() -> None:
    with request("0a1b2c3d"):
        assert request_id() == "0a1b2c3d"


@pytest.mark.parametrize(
    "given", [None, "", "U12345678", "0a1b2c3d'; drop", "0A1B2C3D", "0a1b2c3d\n"]
)
def test_what_is_no_id_is_not_taken_for_one(given: str | None) -> None:
    with request(given) as its_id:
        assert its_id != given


def test_a_request_within_another_ends_with_it() -> None:
    with request() as outer:
        with request() as inner:
            assert request_id() == inner
        assert request_id() == outer


def test_threads_go_on_with_the_request_of_whoever_submits() -> None:
    with RequestThreads(1) as threads:
        for _ in range(2):
            with request() as its_id:
                assert threads.submit(request_id).result() == its_id
        assert threads.submit(request_id).result() is None


def test_a_timer_goes_on_with_the_request_that_set_it() -> None:
    heard: list[str | None] = []

    def hear() -> None:
        heard.append(request_id())

    with request() as its_id:
        timer = threading.Timer(0, carried(hear))
    timer.start()
    timer.join()
    assert heard == [its_id]


def test_requests_at_once_do_not_mix() -> None:
    together = threading.Barrier(8)

    def work() -> bool:
        with request() as its_id:
            together.wait(5)
            return request_id() == its_id

    with ThreadPoolExecutor(8) as threads:
        done = [threads.submit(work) for _ in range(8)]
        assert all(one.result() for one in done)
