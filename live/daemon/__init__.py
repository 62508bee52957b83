"""The daemon: an account taken through its sessions as they come."""
