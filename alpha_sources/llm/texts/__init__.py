"""The door's own prompt texts, each with its version in its name: a changed text gets a new one."""
