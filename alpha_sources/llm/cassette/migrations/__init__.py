"""How the tables of the cassette came to be, step by step."""
