"""Scripted responses: steps, rules, pace, and the events that a reply is sent as."""
