"""Sections stand under their heading path, with exact places."""

from coach.settings import corpus_folder
from tests.builders import document


def test_sections_have_their_heading_path_and_exact_text():
    text = "before\n\n# Title\n\nintro\n\n## A\n\none\n\n### B\n\ntwo\n\n## C\n\n## D\nthree\n"
    sections = document(text).statements()
    assert [(s.headings, s.text) for s in sections] == [
        (("Title",), "before"),
        (("Title",), "intro"),
        (("Title", "A"), "one"),
        (("Title", "A", "B"), "two"),
        (("Title", "D"), "three"),
    ]
    assert all(text[s.start : s.end] == s.text for s in sections)


def test_fields_about_the_page_are_no_text_of_it():
    text = "---\nlayout: post\ntitle: Vendors\ntags:\n  - a\n---\n\nWork with them.\n\n---\n\nA rule is no field.\n"
    (section,) = document(text).statements()
    assert section.text == "Work with them.\n\n---\n\nA rule is no field."
    assert len(document("---\n\nOnly a rule.\n").statements()) == 1


def test_a_section_is_found_by_any_of_its_characters():
    text = "# Title\n\nintro\n\n## A\n\none\n"
    read = document(text)
    assert read.section_at(text.index("one")).headings == ("Title", "A")
    assert read.section_at(0) is None


def test_the_article_has_its_thirteen_sections():
    path = next((corpus_folder() / "guides").glob("*.md"))
    sections = document(path.read_text(encoding="utf-8")).statements()
    assert len(sections) == 13
    assert sections[-1].headings[1:] == (
        "FAQ",
        "Is prior Generative AI experience mandatory for these roles?",
    )
