"""What the playground says, without a browser: the same functions on the same texts."""

import json
import re
from typing import Any

import pytest

from perp_cli.output import Output
from perp_cli.playground import MOST_OPERATIONS, apply, proof_document, rehearse, tampered, verify
from perp_cli.proving import proof_maker
from perp_reference.site.playground import BATCHES, TIME, beginning

Scene = dict[str, Any]

TRADE, REJECTED, LIQUIDATION, MALFORMED = range(4)


def no_proof(*_: object) -> bytes:
    """Proves nothing: for what needs the texts alone."""
    return b""


@pytest.fixture(scope="module")
def scene() -> Scene:
    text, _ = beginning(no_proof)
    return json.loads(text)


@pytest.fixture(scope="module")
def proved() -> tuple[Scene, bytes]:
    text, proof = beginning(proof_maker(Output(as_json=True)))
    return json.loads(text), proof


def applied(scene: Scene, preset: int = TRADE, **changed: str) -> Any:
    """What the page is told of a preset, with some of the four texts changed."""
    texts = {"config": scene["config"], "state": scene["state"], "time": scene["time"]}
    return apply(**{**texts, "operations": scene["presets"][preset]["operations"], **changed})


def said(scene: Scene, **changed: str) -> str:
    """The message about texts that break their format."""
    return applied(scene, TRADE, **changed)["malformed"]["message"]


def with_field(text: str, record: str, field: str, value: str) -> str:
    """A state in which a field of the first record of a kind is another."""
    lines = text.splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith(f'{{"record":"{record}"'))
    lines[place] = json.dumps({**json.loads(lines[place]), field: value})
    return "\n".join(lines)


def test_a_trade_is_accepted_with_every_guard_and_every_change(scene: Scene) -> None:
    answer = applied(scene)
    (outcome,) = answer["outcomes"]
    assert (outcome["what"], outcome["accepted"], outcome["reason"]) == (
        "trade: 0.25 BTC at 40,100: 4 buys from 5",
        True,
        None,
    )
    assert len(outcome["guards"]) > 20
    assert all(guard["holds"] for guard in outcome["guards"])
    changes = {(change["record"], *change["key"]): change["fields"] for change in answer["changed"]}
    (size,) = changes["position", "4", "0"]
    assert (size["name"], size["before"], size["after"], size["unit"]) == ("size", "5000", "7500", "lots")
    carol = next(account for account in answer["accounts"] if account["name"] == "account 4")
    assert (carol["before"]["positions"], carol["after"]["positions"]) == (["0.5 BTC"], ["0.75 BTC"])
    assert answer["inconsistent"] == []
    assert answer["claimed_root_differs"] is False
    assert answer["statement"]["number"] == str(BATCHES + 1)
    assert answer["statement"]["time"] == str(TIME)


def test_a_rejected_trade_leaves_all_but_the_clock_as_it_was(scene: Scene) -> None:
    answer = applied(scene, REJECTED)
    (outcome,) = answer["outcomes"]
    assert (outcome["accepted"], outcome["reason"]) == (False, "INITIAL_MARGIN")
    assert outcome["sentence"] == "Equity would be below the initial margin."
    (first, *_) = [guard for guard in outcome["guards"] if not guard["holds"]]
    assert {"left": "3119900000", "relation": ">=", "right": "3256120000", "holds": False} in first["numbers"]
    assert {change["record"] for change in answer["changed"]} == {"exchange", "ledger"}
    assert all(account["before"] == account["after"] for account in answer["accounts"])


def test_a_liquidation_needs_the_tick_before_it(scene: Scene) -> None:
    both = applied(scene, LIQUIDATION)
    assert [outcome["accepted"] for outcome in both["outcomes"]] == [True, True]
    alice = next(account for account in both["accounts"] if account["name"] == "account 2")
    assert (alice["before"]["standing"], alice["after"]["standing"]) == ("healthy", "liquidatable")
    alone = applied(scene, operations=scene["presets"][LIQUIDATION]["operations"].splitlines()[1])
    assert alone["outcomes"][0]["reason"] == "NOT_LIQUIDATABLE"


def test_one_can_go_on_from_the_new_state(scene: Scene) -> None:
    first = applied(scene)
    again = applied(scene, LIQUIDATION, state=first["state"])
    assert again["statement"]["previous_root"] == first["statement"]["new_root"]
    assert again["claimed_root_differs"] is False
    assert applied(scene, state=first["state"])["outcomes"][0]["reason"] == "ORDER_FILLED"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"operations": ""}, "operations:1: expected a first line, got an empty file"),
        ({"operations": "\n \n"}, "operations:1: expected a first line, got an empty file"),
        ({"operations": "trade"}, "operations:1: expected one JSON object, got 'trade' at column 1"),
        (
            {"operations": '{"op":"end_batch","mode":"0"}'},
            (
                "operations:1: field op: expected an operation of a draft, which ends without end_batch: that is the "
                'builder\'s, got "end_batch"'
            ),
        ),
        (
            {"operations": '{"op":"freeze","account":"2"}\n\n{"op":"freeze","account":"2"}'},
            "operations:2: expected one JSON object, got the end of the line at column 1",
        ),
        (
            {"operations": '{"op":"freeze","account":2}'},
            "operations:1: field account: expected a decimal string from 0 to 1048575, got the number 2",
        ),
        ({"operations": '{"op":"\udc80"}'}, "operations:1: expected UTF-8, got byte 0xed at byte 8"),
        ({"time": "soon"}, 'time: expected a whole number of seconds from 0 to 1099511627776, got "soon"'),
        ({"time": "-1"}, 'time: expected a whole number of seconds from 0 to 1099511627776, got "-1"'),
        ({"time": ""}, 'time: expected a whole number of seconds from 0 to 1099511627776, got ""'),
        ({"config": "{}"}, 'configuration:1: field format: expected "perpspec-config-1", got no such member'),
        ({"state": "{}"}, 'state:1: field format: expected "perpspec-state-1", got no such member'),
    ],
)
def test_a_malformed_text_gives_the_documented_error(scene: Scene, changed: dict[str, str], message: str) -> None:
    assert said(scene, **changed) == message


def test_the_malformed_line_of_the_page_is_an_integer_as_a_number(scene: Scene) -> None:
    operations = scene["presets"][MALFORMED]["operations"]
    assert re.fullmatch(
        r"operations:1: field lots: expected .*, got the number 2500", said(scene, operations=operations)
    )


def test_there_is_a_limit_on_operations(scene: Scene) -> None:
    line = '{"op":"freeze","account":"2"}\n'
    assert len(applied(scene, operations=line * MOST_OPERATIONS)["outcomes"]) == MOST_OPERATIONS
    message = f"operations:{MOST_OPERATIONS + 1}: expected at most {MOST_OPERATIONS} operations, got a further line"
    assert said(scene, operations=line * (MOST_OPERATIONS + 1)) == message


def test_a_configuration_that_breaks_a_bound_is_malformed(scene: Scene) -> None:
    config = json.loads(scene["config"])
    config["governance_key"] = ""
    expected = "configuration: field governance_key: expected the key whose digest is parameters.governance (CONFIG), "
    assert said(scene, config=json.dumps(config)) == f"{expected}got no key"


def test_a_time_before_the_last_batch_is_a_rejected_header(scene: Scene) -> None:
    answer = applied(scene, time=str(TIME - 61))
    assert answer["header"]["reason"] == "TIME_BACKWARDS"
    assert [guard["reason"] for guard in answer["header"]["guards"]] == ["TIME_BACKWARDS"]


def test_a_state_that_does_not_add_up_is_said_to_be_so(scene: Scene) -> None:
    answer = applied(scene, state=with_field(scene["state"], "ledger", "vault", "1"))
    assert answer["claimed_root_differs"] is True
    assert any("vault" in finding for finding in answer["inconsistent"])


def test_a_state_that_no_operation_leads_to_is_no_traceback(scene: Scene) -> None:
    answer = applied(scene, state=scene["state"].replace('"slots":"1"', '"slots":"0"'))
    assert answer["impossible"] == "EncodingError: account 2 has 0 slots and a position in slot 0"
    assert answer["inconsistent"]


def test_what_is_signed_may_be_edited_but_not_by_whom(scene: Scene) -> None:
    line = json.loads(scene["presets"][TRADE]["operations"])
    line["buyer"]["max_fee_ppm"] = "900"
    assert applied(scene, operations=json.dumps(line))["outcomes"][0]["accepted"]
    line["buyer"]["signed"] = line["seller"]["signed"]
    assert applied(scene, operations=json.dumps(line))["outcomes"][0]["reason"] == "BAD_SIGNATURE"


def test_the_shipped_proof_is_of_what_the_rules_do_in_the_page(proved: tuple[Scene, bytes]) -> None:
    scene, proof = proved
    notes: list[str] = []
    verified = verify(proof, applied(scene)["statement"], notes.append)
    assert verified["verified"] is True
    assert verified["security"]["bits"] >= 100
    assert verified["profile"] == "100"
    assert verified["compared"] == dict.fromkeys(verified["statement"], True)
    assert notes == ["recording the rules as a program, and making its tables", "verifying"]


def test_a_changed_proof_is_refused(proved: tuple[Scene, bytes]) -> None:
    scene, proof = proved
    wanted = applied(scene)["statement"]
    assert verify(tampered(proof), wanted, print)["refused"] == "the constraints do not hold at the point"
    root = bytes.fromhex(wanted["new_root"])
    other = proof.replace(root, bytes([root[0] ^ 1]) + root[1:])
    answer = verify(other, wanted, print)
    assert answer["refused"]
    assert {name for name, same in answer["compared"].items() if not same} == {"new_root"}


def test_a_proof_of_another_batch_is_not_what_the_page_wants(proved: tuple[Scene, bytes]) -> None:
    scene, proof = proved
    answer = verify(proof, applied(scene, LIQUIDATION)["statement"], print)
    assert answer["verified"] is True
    assert {name for name, same in answer["compared"].items() if not same} == {"new_root", "operations_digest", "count"}


@pytest.mark.parametrize("data", [b"", b"perp-proof 1 100\n", b"perp-proof 1 7\n", b"\0" * 100])
def test_what_is_no_proof_is_refused(data: bytes) -> None:
    document = proof_document(data)
    assert sorted(document) == ["bytes", "refused"]
    assert verify(data, {}, print) == document


def test_the_rehearsal_notices_what_does_not_end_as_the_page_says(scene: Scene) -> None:
    other = {**scene, "presets": scene["presets"][:1] * 4}
    with pytest.raises(ValueError, match="the operations of the playground end as"):
        rehearse({"scene": other, "proof": ""})
    with pytest.raises(ValueError, match="the proof of the playground is not verified"):
        rehearse({"scene": scene, "proof": ""})
