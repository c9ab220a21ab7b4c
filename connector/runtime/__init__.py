"""The engine room: intake, advance, perform, sweep. The database is the truth, the broker a doorbell."""
