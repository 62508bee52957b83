"""Prompts and word lists of the brief, as files."""
