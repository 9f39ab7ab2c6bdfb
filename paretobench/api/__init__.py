"""The Python interface: results and answers as values. `import paretobench` gives its names.

The command line is built on it: a verb parses, calls, and prints.
"""
