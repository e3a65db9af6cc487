"""What the tests of experiments share: being told how far a run is, stopping it, and what a picture is drawn of."""

from collections.abc import Callable

from coach.errors import StoppedError


def quietly(doing: str, done: int, total: int) -> None:
    """Is told how far a run is, and only looks that it makes sense."""
    assert 0 <= done <= total


def stop_after(steps: int) -> Callable[[str, int, int], None]:
    """Stops a run once it has told of so many steps."""
    told: list[str] = []

    def stop_soon(doing: str, done: int, total: int) -> None:
        told.append(doing)
        if len(told) > steps:
            raise StoppedError

    return stop_soon


def plotted(page, place: int = 0) -> bytes:
    """What the chart is drawn of, as it is sent to the browser."""
    return b"".join(one.data.data for one in page.get("vega_lite_chart")[place].proto.datasets)
