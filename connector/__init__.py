"""The house itself: storage, runtime, features and web pages, wired in one place. See README.md."""
