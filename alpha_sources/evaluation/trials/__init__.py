"""The ledger of trials: every formula ever evaluated in a project, and every opening of a test span."""

from alpha_sources.evaluation.trials.ledger import TrialLedger
from alpha_sources.evaluation.trials.records import Origin, Scope, Trial, TrialError, formula_hash

__all__ = ["Origin", "Scope", "Trial", "TrialError", "TrialLedger", "formula_hash"]
