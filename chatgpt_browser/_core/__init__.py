"""Data types and small tools for all other subpackages, such as errors and options. This package imports no other subpackage."""
