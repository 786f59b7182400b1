"""What `findme eval` prints: short tables, or JSON.

`findme eval lfw --json` is one object:

- `engine`, `pictures`, `faces` (found on all of them), `people`, `pairs`, `folds`
- `accuracy`: `mean` and `standard_error` over the folds, and the `thresholds` used in them
- `genuine_pairs`, `impostor_pairs`: of all pictures with each other
- `at_far`: a list; of each: `target_far`, and what the lowest threshold does that keeps to it:
  `threshold`, `far`, `false_accepts`, `tar` (share of all genuine pairs), `tar_per_identity` (mean
  over people of the share of their own pairs); TARs are null if nobody has two pictures
- `sure`, `maybe`: the same at the engine's own thresholds
- `calibrated`: `sure` and `maybe` as these pairs would set them, by their rates of false matches
- `misses`: the pictures without a face; their pairs are never accepted
- `ms`: `decode`, `detect`, `embed`, mean ms per picture while `threads` were read at once
- `ms_per_face`: all of that shared out among the faces found; `embed_ms_per_face`: of it `embed`
- `seconds`: the whole run

`findme eval event --json` is one object:

- `engine`, `sure_similarity`, `maybe_similarity`, `together`, `strangers` (photos)
- `events`: a list; of each: `name`, `portraits`, `photos`, `indexed_faces` (of its whole index),
  `unreadable` and `faceless` (lists of `name`, `reason`), and `sure` and `sure_and_maybe`:
  - `precision`, `recall` (null where nothing was shown or is to be found)
  - `right`: matches; `wrong`: a list of `query`, `photo`, `similarity`, `certainty`, `stranger`
  - `expected`, `found`: photos; `missed`: a list of `query`, `photo`, `similarity` (of its best
    face; null if it has none)
- `total`: `sure` and `sure_and_maybe` of all events: `precision`, `recall`, `right`, `wrong`,
  `expected`, `found`, all of them numbers

Similarities are cosines.
"""

import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from pipeline.domain.calibration import MAYBE_RATE, SURE_RATE
from pipeline.evaluation.all_pairs import Operating
from pipeline.evaluation.event import EventsReport, Missed, Tally, Wrong
from pipeline.evaluation.lfw import LfwReport
from pipeline.evaluation.plots import Marks, save_plot
from pipeline.shell import console

_SHOWN = 15
_SHOWN_NAMES = 10


def print_lfw(report: LfwReport, *, as_json: bool) -> None:
    """What `findme eval lfw` answers."""
    if as_json:
        _echo_json(lfw_json(report))
        return
    out = console()
    out.print(
        f"Engine {report.engine_id} on LFW: {report.pictures:,} pictures of {report.people:,} "
        f"people, {report.pairs:,} pairs in {report.folds} folds.\n"
        f"Accuracy {report.accuracy.mean:.4f} ± {report.accuracy.standard_error:.4f}",
        highlight=False,
    )
    table = _table("all pairs", "similarity", "FAR", "TAR", "TAR per person")
    for target, at in report.at_far.items():
        _operating_row(table, f"FAR {target:.0e}".replace("e-0", "e-"), at)
    _operating_row(table, "sure", report.sure)
    _operating_row(table, "maybe", report.maybe)
    out.print(table)
    all_pairs = report.all_pairs
    out.print(
        f"Thresholds for the rates of sure and maybe, {SURE_RATE} and {MAYBE_RATE}: "
        f"{all_pairs.similarity_at(SURE_RATE):.3f} and {all_pairs.similarity_at(MAYBE_RATE):.3f}.",
        highlight=False,
    )
    stages = ", ".join(f"{stage} {ms:.1f}" for stage, ms in report.ms.items())
    out.print(
        f"{len(report.all_pairs.genuine):,} genuine and {report.all_pairs.impostor_pairs:,} "
        f"impostor pairs. Of several faces the one nearest to the centre was taken.\n"
        f"ms per picture, {report.threads} at once: {stages}; per face (of {report.faces:,}) "
        f"{report.ms_per_face:.1f}, of it embed {report.embed_ms_per_face:.1f}; "
        f"{report.seconds:.0f} s in all.",
        highlight=False,
    )
    out.print(f"{len(report.misses)} without a face{_some(report.misses)}.", markup=False)


def print_events(report: EventsReport, *, as_json: bool) -> None:
    """What `findme eval event` answers."""
    if as_json:
        _echo_json(events_json(report))
        return
    out = console()
    where = "one index" if report.together else "an index each"
    among = f", among {report.strangers:,} photos of strangers" if report.strangers else ""
    out.print(
        f"Engine {report.engine_id}: sure from {report.sure_similarity:.2f}, "
        f"maybe from {report.maybe_similarity:.2f}; {where}{among}.",
        highlight=False,
    )
    table = _table(
        "event",
        "portraits",
        "photos",
        "faces",
        "",
        "precision",
        "right",
        "wrong",
        "recall",
        "found",
    )
    for result in report.results:
        sizes = (result.portraits, result.photos, result.indexed_faces)
        head = (escape(result.name), *(f"{size:,}" for size in sizes))
        _tally_rows(table, head, result.sure, result.sure_and_maybe)
    if len(report.results) > 1:
        _tally_rows(table, ("all", "", "", ""), report.sure, report.sure_and_maybe)
    out.print(table)
    total = report.sure_and_maybe
    _print_wrong(out, total.wrong)
    _print_missed(out, total.missed)
    for what, listed in (
        ("Portraits without a usable face", [one for r in report.results for one in r.faceless]),
        ("Unreadable photos", [one for r in report.results for one in r.unreadable]),
    ):
        if listed:
            out.print(f"{what}:")
        for name, reason in listed:
            out.print(f"  {name}: {reason}", markup=False, highlight=False)


def lfw_json(report: LfwReport) -> dict[str, Any]:
    """As this module's docstring says."""
    return {
        "engine": report.engine_id,
        "pictures": report.pictures,
        "faces": report.faces,
        "people": report.people,
        "pairs": report.pairs,
        "folds": report.folds,
        "accuracy": {
            "mean": round(report.accuracy.mean, 6),
            "standard_error": round(report.accuracy.standard_error, 6),
            "thresholds": [round(float(each), 4) for each in report.accuracy.thresholds],
        },
        "genuine_pairs": len(report.all_pairs.genuine),
        "impostor_pairs": report.all_pairs.impostor_pairs,
        "at_far": [{"target_far": far, **_operating(at)} for far, at in report.at_far.items()],
        "sure": _operating(report.sure),
        "maybe": _operating(report.maybe),
        "calibrated": {
            "sure": round(report.all_pairs.similarity_at(SURE_RATE), 4),
            "maybe": round(report.all_pairs.similarity_at(MAYBE_RATE), 4),
        },
        "misses": list(report.misses),
        "ms": {stage: round(ms, 3) for stage, ms in report.ms.items()},
        "ms_per_face": round(report.ms_per_face, 3),
        "embed_ms_per_face": round(report.embed_ms_per_face, 3),
        "threads": report.threads,
        "seconds": round(report.seconds, 1),
    }


def events_json(report: EventsReport) -> dict[str, Any]:
    """As this module's docstring says."""
    return {
        "engine": report.engine_id,
        "sure_similarity": round(report.sure_similarity, 4),
        "maybe_similarity": round(report.maybe_similarity, 4),
        "together": report.together,
        "strangers": report.strangers,
        "events": [
            {
                "name": result.name,
                "portraits": result.portraits,
                "photos": result.photos,
                "indexed_faces": result.indexed_faces,
                "unreadable": _reasons(result.unreadable),
                "faceless": _reasons(result.faceless),
                "sure": _tally(result.sure),
                "sure_and_maybe": _tally(result.sure_and_maybe),
            }
            for result in report.results
        ],
        "total": {
            "sure": _figures(report.sure),
            "sure_and_maybe": _figures(report.sure_and_maybe),
        },
    }


def lfw_plot(report: LfwReport, path: Path) -> None:
    """Save scores and ROC of all pairs. Raises UsageError if it can't be saved."""
    save_plot(
        path,
        report.all_pairs.histogram,
        title=f"LFW, engine {report.engine_id}",
        subtitle=f"{len(report.all_pairs.genuine):,} genuine and "
        f"{report.all_pairs.impostor_pairs:,} impostor pairs; accuracy by the protocol "
        f"{report.accuracy.mean:.4f} ± {report.accuracy.standard_error:.4f}",
        counting="pairs of pictures",
        marks=Marks(sure=report.sure.threshold, maybe=report.maybe.threshold),
    )


def event_plot(report: EventsReport, path: Path) -> None:
    """Save scores and ROC of each portrait with each photo. Raises UsageError."""
    names = ", ".join(result.name for result in report.results)
    among = f" among {report.strangers:,} strangers" if report.strangers else ""
    save_plot(
        path,
        report.histogram,
        title=f"{names}{among}, engine {report.engine_id}",
        subtitle="Each portrait with each photo, by the face in it that is most similar",
        counting="pairs of portrait and photo",
        marks=Marks(sure=report.sure_similarity, maybe=report.maybe_similarity),
    )


def _table(first: str, *others: str) -> Table:
    return Table(first, *(Column(name, justify="right") for name in others), box=SIMPLE)


def _operating_row(table: Table, name: str, at: Operating) -> None:
    far = f"{at.far:.1e}" if at.false_accepts else "0"
    table.add_row(name, f"{at.threshold:.3f}", far, f"{at.tar:.4f}", f"{at.tar_per_identity:.4f}")


def _tally_rows(table: Table, head: Sequence[str], sure: Tally, both: Tally) -> None:
    for start, what, tally in ((head, "sure", sure), ([""] * len(head), "sure + maybe", both)):
        table.add_row(
            *start,
            what,
            _share(tally.precision),
            str(tally.right),
            str(len(tally.wrong)),
            _share(tally.recall),
            f"{tally.found} of {tally.expected}",
        )
    table.add_section()


def _print_wrong(out: Console, wrong: Sequence[Wrong]) -> None:
    if not wrong:
        return
    table = _table("wrong: query", "photo", "similarity", "")
    for one in sorted(wrong, key=lambda one: -one.similarity)[:_SHOWN]:
        photo = f"{one.photo} (stranger)" if one.stranger else one.photo
        table.add_row(
            escape(one.query), escape(photo), f"{one.similarity:.3f}", one.certainty.value
        )
    out.print(table)
    _print_rest(out, len(wrong))


def _print_missed(out: Console, missed: Sequence[Missed]) -> None:
    if not missed:
        return
    table = _table("missed: query", "photo", "similarity")
    for one in sorted(missed, key=lambda one: one.similarity or -1.0)[:_SHOWN]:
        similarity = "no face" if one.similarity is None else f"{one.similarity:.3f}"
        table.add_row(escape(one.query), escape(one.photo), similarity)
    out.print(table)
    _print_rest(out, len(missed))


def _print_rest(out: Console, count: int) -> None:
    if count > _SHOWN:
        out.print(f"  … and {count - _SHOWN} more; --json lists them all.")


def _some(names: Sequence[str]) -> str:
    if not names:
        return ""
    more = f" and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else ""
    return f": {', '.join(names[:_SHOWN_NAMES])}{more}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _operating(at: Operating) -> dict[str, Any]:
    return {
        "threshold": _number(at.threshold),
        "far": at.far,
        "false_accepts": at.false_accepts,
        "tar": _number(at.tar),
        "tar_per_identity": _number(at.tar_per_identity),
    }


def _number(value: float) -> float | None:
    return round(value, 6) if math.isfinite(value) else None


def _figures(tally: Tally) -> dict[str, Any]:
    return {
        "precision": _rounded(tally.precision),
        "recall": _rounded(tally.recall),
        "right": tally.right,
        "wrong": len(tally.wrong),
        "expected": tally.expected,
        "found": tally.found,
    }


def _tally(tally: Tally) -> dict[str, Any]:
    return {
        **_figures(tally),
        "wrong": [
            {
                "query": one.query,
                "photo": one.photo,
                "similarity": round(one.similarity, 4),
                "certainty": one.certainty.value,
                "stranger": one.stranger,
            }
            for one in tally.wrong
        ],
        "missed": [
            {"query": one.query, "photo": one.photo, "similarity": _rounded(one.similarity)}
            for one in tally.missed
        ],
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _reasons(listed: Sequence[tuple[str, str]]) -> list[Mapping[str, str]]:
    return [{"name": name, "reason": reason} for name, reason in listed]


def _echo_json(value: object) -> None:
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")
