"""One thing is never "1 things"."""

from coach.text.counted import counted


def test_the_noun_fits_the_number():
    assert [counted(number, "draft") for number in (0, 1, 2, 1024)] == [
        "0 drafts",
        "1 draft",
        "2 drafts",
        "1,024 drafts",
    ]
    assert [counted(number, "story", "stories") for number in (1, 3)] == ["1 story", "3 stories"]
