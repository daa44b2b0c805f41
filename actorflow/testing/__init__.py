"""What authors of plug-ins and embedders test with: conformance suites and fakes.

``journals`` holds the cases that every journal passes. Each module imports what it needs and no more; none of
them imports pytest. Nothing that is shipped for running workflows may import this package.
"""
