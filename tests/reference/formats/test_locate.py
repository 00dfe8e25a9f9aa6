import pytest

from perp_reference.formats.locate import line_at, line_of_second

TEXT = """
{
  "a": [
    "1", "[]{",
    {"b": "\\"", "c":
      null}
  ],
  "d": {
  }, "e" : true
}
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ([], 2),
        (["a"], 3),
        (["a", "[0]"], 4),
        (["a", "[1]"], 4),
        (["a", "[2]"], 5),
        (["a", "[2]", "b"], 5),
        (["a", "[2]", "c"], 6),
        (["a", "[2]", "x"], 5),
        (["a", "[3]"], 3),
        (["d"], 8),
        (["d", "x"], 8),
        (["e"], 9),
        (["x"], 2),
    ],
)
def test_a_path_leads_to_its_line_or_as_far_as_it_goes(path: list[str], line: int) -> None:
    assert line_at(TEXT, path) == line


def test_the_second_of_a_name_is_found() -> None:
    assert line_of_second(TEXT) is None
    assert line_of_second('{"a": [{"b": 1,\n"c": 2,\n"b": 3}],\n"a": 1}') == 3
    assert line_of_second('[[], {"a": {},\n\n "a": {}}]') == 3
