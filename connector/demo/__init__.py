"""The guided tour: one customer's way through the loop, told from what the product really stored and sent.

It reads the database and looks at the stand-ins over HTTP; what it needs of them is handed in, so that the
product never imports the sandbox.
"""
