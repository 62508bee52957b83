"""Results of evaluations that need not be computed again, in one SQLite file."""

from alpha_sources.evaluation.store.results import ResultStore, result_key

__all__ = ["ResultStore", "result_key"]
