"""Plain data and small tools that every other part uses: errors, options, abort signals, telemetry. Imports no other part."""
