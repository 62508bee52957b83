"""Sources of market data behind one interface with stated units."""
