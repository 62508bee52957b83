"""The seed alpha factory: from documents to formulas with their sources."""
