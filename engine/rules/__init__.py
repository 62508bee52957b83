"""A-share rules as dated tables: fees, price limits, lots, corporate actions, dividend tax."""
