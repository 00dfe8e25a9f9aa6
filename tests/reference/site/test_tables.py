"""Tables told how wide their columns are."""

from perp_reference.site.tables import usual_length, with_widths

SENTENCE = "a sentence that is long enough to need room in its column"


def test_columns_of_numbers_stand_right_and_columns_of_sentences_are_wide() -> None:
    text = f"| n | what | |\n| --- | --- | --- |\n| 1,000 | short | {SENTENCE} |\n| -3 % | `code` | |\n\nAfter.\n"
    assert with_widths(text) == (
        "| n | what | &nbsp; {: .wide } |\n"
        "| ---: | --- | --- |\n"
        f"| 1,000 | short | {SENTENCE} |\n| -3 % | `code` | |\n\nAfter.\n"
    )


def test_what_a_cell_shows_counts_and_not_its_markup() -> None:
    text = "| a |\n| --- |\n| [short](a/very/long/address/that/nobody/sees/at/all/on/the/page.md) |\n"
    assert with_widths(text) == text


def test_a_table_in_a_fence_is_left_alone() -> None:
    text = f"```\n| a |\n| --- |\n| {SENTENCE} |\n```\n"
    assert with_widths(text) == text


def test_a_few_long_cells_do_not_make_a_column_of_a_long_table_wide() -> None:
    assert usual_length([SENTENCE, *["short"] * 48]) == len(SENTENCE)
    assert usual_length([SENTENCE, *["short"] * 49]) == len("short")
    assert usual_length([*[SENTENCE] * 40, *["short"] * 40]) == len(SENTENCE)
    assert usual_length([]) == 0
