"""Asking CrossHair about contracts.

It runs a function on symbolic integers, one path after the other, and asks Z3 about each. "Confirmed over all paths" is
its word that there is none left on which a claim is false; where it gives up before, nothing is known but that it found
no counterexample.
"""

import inspect
import linecache
import warnings
from collections.abc import Callable
from typing import Any

import attrs
from crosshair.core_and_libs import MessageType, analyze_function, run_checkables
from crosshair.options import AnalysisKind, AnalysisOptionSet

from perp_proofs.crosshair import functions, refusals, rules

CONFIRMED = "Confirmed over all paths."
"""What CrossHair says where it looked at every path."""

SECONDS = 600
"""So long it may look at one claim, by the clock: others may be using the machine."""


@attrs.frozen
class Said:
    """What CrossHair said of one claim."""

    claim: str
    """The line of the contract."""
    message: str

    @property
    def confirmed(self) -> bool:
        """It looked at every path."""
        return self.message == CONFIRMED


def contracts() -> dict[str, Callable[..., Any]]:
    """Every function that has a contract, by its name, those of whole rules last."""
    return {
        name: function
        for module in (functions, refusals, rules)
        for name, function in vars(module).items()
        if inspect.isfunction(function) and function.__module__ == module.__name__ and claims(function)
    }


def claims(function: Callable[..., Any]) -> list[str]:
    """What a contract claims, a line each."""
    lines = (inspect.getdoc(function) or "").splitlines()
    return [line.strip() for line in lines if line.strip().startswith("post:")]


def checked(function: Callable[..., Any], seconds: float = SECONDS) -> list[Said]:
    """What CrossHair says of each claim of a contract, in so many seconds a claim."""
    options = AnalysisOptionSet(
        analysis_kind=[AnalysisKind.PEP316],
        per_condition_timeout=seconds,
        per_path_timeout=seconds / 10,
        report_all=True,
    )
    with warnings.catch_warnings():
        # To make values of a class, CrossHair looks at every name of every module, deprecated ones too.
        warnings.simplefilter("ignore")
        messages = run_checkables(analyze_function(function, options))
    return [
        Said(linecache.getline(one.filename, one.line).strip(), CONFIRMED if is_confirmed(one) else one.message)
        for one in messages
    ]


def is_confirmed(message: Any) -> bool:
    """A message says that a claim was confirmed."""
    return message.state is MessageType.CONFIRMED
