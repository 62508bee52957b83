"""The paper's experiment, run anew: its method, ablations, baselines and a null, on one page.

>>> from alphaloom.reproduce import Experiment, reproduce

`claims` holds what the paper prints, `methods` what is run (as data), `experiment` what is to be done,
`folder` what is done already, `opening` that the test was opened, `work` the processes; `portfolios`,
`foresight` and `sittings` do the work of the three questions, `shuffled` is a method that has nothing to
learn, `unlimited` a market without price limits; `statistics` and `verdict` are pure; `gathering` and
`groups` bring all together as `findings`; `page`, `questions` and `markdown` show it.
"""

from alphaloom.reproduce.experiment import Experiment
from alphaloom.reproduce.run import Reproduction, reproduce

__all__ = ["Experiment", "Reproduction", "reproduce"]
