"""Data types and small tools for all other subpackages: errors, options, abort signals, telemetry. It imports no subpackage."""
