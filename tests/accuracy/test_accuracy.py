"""The figures that the README promises, over all of LFW and the three events."""

import pytest

from pipeline.evaluation.event import EventsReport
from pipeline.evaluation.lfw import LfwReport

pytestmark = pytest.mark.timeout(1200)  # whichever comes first reads LFW


def recalls(report: EventsReport) -> dict[str, float]:
    """Of *sure* and *maybe* together, by event."""
    found = {}
    for result in report.results:
        recall = result.sure_and_maybe.recall
        assert recall is not None
        found[result.name] = recall
    return found


def told(name: str, report: EventsReport) -> str:
    """One line of figures."""
    both, sure = report.sure_and_maybe, report.sure
    return (
        f"{name}: sure precision {sure.precision:.4f} ({len(sure.wrong)} wrong), "
        f"sure recall {sure.recall:.3f}, sure + maybe recall {both.recall:.4f}, "
        f"{len(both.wrong)} wrong matches in all"
    )


def test_portraits_alone_find_their_photos_and_are_never_surely_wrong(
    alone: EventsReport, capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        print(f"\n{told('alone', alone)}; {recalls(alone)}", end="")  # noqa: T201
    assert [result.sure.wrong for result in alone.results] == [[], [], []]
    assert all(recall >= 0.98 for recall in recalls(alone).values())
    assert recalls(alone)["family"] == 1.0


def test_lfw_is_told_apart_as_promised(
    lfw_report: LfwReport, capsys: pytest.CaptureFixture[str]
) -> None:
    at = {far: lfw_report.at_far[far].tar_per_identity for far in (1e-3, 1e-4)}

    with capsys.disabled():
        print(f"\nLFW: {lfw_report.accuracy.mean:.4f}, {at}", end="")  # noqa: T201
    assert lfw_report.accuracy.mean >= 0.995
    assert at[1e-3] >= 0.985
    assert at[1e-4] >= 0.96
    assert lfw_report.misses == []


def test_the_engines_thresholds_are_those_of_their_rates(lfw_report: LfwReport) -> None:
    """SURE_RATE and MAYBE_RATE of pipeline.domain.calibration."""
    assert lfw_report.sure.far == pytest.approx(6.5e-5, rel=0.1)
    assert lfw_report.maybe.far == pytest.approx(3.7e-3, rel=0.1)


def test_among_7000_strangers_sure_stays_sure_and_little_is_lost(
    alone: EventsReport, crowd: EventsReport, capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        print(f"\n{told('among strangers', crowd)}; {recalls(crowd)}", end="")  # noqa: T201
    assert crowd.strangers == 7_000
    assert crowd.sure.precision is not None
    assert crowd.sure.precision >= 0.99
    assert _recall(crowd) >= _recall(alone) - 0.02
    # *Sure* alone is asked for more, the more strangers there are.
    assert crowd.sure.recall is not None
    assert crowd.sure.recall >= 0.8


def test_among_7000_strangers_it_holds_without_self_calibration_too(
    alone: EventsReport, crowd_by_own_curve: EventsReport, capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        print(f"\n{told('engine curve', crowd_by_own_curve)}", end="")  # noqa: T201
    assert crowd_by_own_curve.sure.precision is not None
    assert crowd_by_own_curve.sure.precision >= 0.99
    assert _recall(crowd_by_own_curve) >= _recall(alone) - 0.02


def test_an_answer_holds_no_more_wrong_matches_than_it_may(crowd: EventsReport) -> None:
    """0.05 wrong *sure* and 1 wrong *maybe* on average."""
    queries = sum(result.portraits for result in crowd.results)

    wrong_sure = len(crowd.sure.wrong) / queries
    assert wrong_sure <= 0.05
    assert len(crowd.sure_and_maybe.wrong) / queries - wrong_sure <= 1.0


def _recall(report: EventsReport) -> float:
    recall = report.sure_and_maybe.recall
    assert recall is not None
    return recall
