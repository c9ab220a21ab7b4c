"""Salesforce as a helpdesk."""
