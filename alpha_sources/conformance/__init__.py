"""Whether a provider keeps the contract of `AlphaProvider`, and if not, how it breaks it.

>>> from alpha_sources.conformance import check_here
>>> print(check_here(lambda: MyProvider(20), panel))

`check_apart` does the same in a process of its own, which a provider may hang or kill. `suite` lists the
checks; `worlds` makes the changed markets they ask about; `diagnosis` names the ways of knowing the future.
"""

from alpha_sources.conformance.findings import CHEATS, CheckFailedError, Conformance, Fault, Finding, Verdict
from alpha_sources.conformance.subject import Options, Subject
from alpha_sources.conformance.suite import CHECKS, Named, check_apart, check_here, needs, run_check

__all__ = [
    "CHEATS",
    "CHECKS",
    "CheckFailedError",
    "Conformance",
    "Fault",
    "Finding",
    "Named",
    "Options",
    "Subject",
    "Verdict",
    "check_apart",
    "check_here",
    "needs",
    "run_check",
]
