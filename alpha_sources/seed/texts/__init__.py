"""The prompts of the seed factory, one a file, with their version in the name."""
