"""Migrations of the ledger, run by :mod:`live.ledger.migrate`."""
