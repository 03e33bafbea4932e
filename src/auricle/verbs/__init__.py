"""One command a file, one function of the same name, parameters and defaults."""
