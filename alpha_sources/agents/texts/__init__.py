"""Prompts of the committee, each with its version in its name: a changed text gets a new one."""
