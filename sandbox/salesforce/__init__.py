"""A stand-in for Salesforce: its REST API, its outbound messages, and the record page that sales looks at."""

from sandbox.salesforce.standin import SalesforceStandIn

__all__ = ["SalesforceStandIn"]
