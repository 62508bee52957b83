"""Vendors' hosts on this machine: a proxy that answers for any host, and a market for it to tell of.

``from vendors.server import VendorServer`` and ``from vendors.market import Market`` work in every test.
"""
