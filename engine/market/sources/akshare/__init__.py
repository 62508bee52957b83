"""Vendors behind the package akshare: what each is asked for, and what its columns mean."""
